// swift-tools-version: 6.1
import PackageDescription

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")

let package = Package(
    name: "EmbryoProfiler",
    products: [
        .executable(name: "embryo-profiler", targets: ["embryo-profiler"]),
        .library(name: "Recordings", targets: ["Recordings"]),
        .library(name: "NeuralNetwork", targets: ["NeuralNetwork"]),
        .library(name: "Morphokinetics", targets: ["Morphokinetics"]),
        .library(name: "Profiling", targets: ["Profiling"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", exact: "2.1.1"),
    ],
    targets: [
        .systemLibrary(
            name: "CFFmpeg", pkgConfig: "libavformat libavcodec libswscale libavutil",
            providers: [.apt(["libavformat-dev", "libavcodec-dev", "libswscale-dev", "libavutil-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "VectorKernels"),
        .target(name: "Recordings", dependencies: ["CFFmpeg"]),
        .target(name: "NeuralNetwork", dependencies: ["COpenBLAS", "VectorKernels"]),
        .target(name: "Morphokinetics"),
        .target(
            name: "Microwells", dependencies: ["Recordings", "NeuralNetwork"], exclude: ["Resources/wells.log.csv"],
            resources: [.copy("Resources/wells.safetensors")]),
        .target(name: "Implantation", dependencies: ["Morphokinetics", "COpenBLAS", yams]),
        .target(name: "Simulation", dependencies: ["Recordings", "Morphokinetics"], exclude: ["README.md"]),
        .target(
            name: "Profiling",
            dependencies: [
                "Recordings", "Microwells", "NeuralNetwork", "Morphokinetics", "Implantation", "CFFmpeg", "COpenBLAS", yams, mustache,
            ],
            exclude: ["Resources/MODEL_CARD.md", "Resources/stage-model.log.csv", "Resources/stage-model.encoder-log.csv"],
            resources: [
                .copy("Resources/report.mustache"), .copy("Resources/encoder-efficientnet-lite0-imagenet.safetensors"),
                .copy("Resources/stage-model.safetensors"),
            ]),
        .target(
            name: "Training",
            dependencies: ["Profiling", "Simulation", "Microwells", "NeuralNetwork", "Morphokinetics", "Recordings", yams]),
        .executableTarget(
            name: "embryo-profiler",
            dependencies: [
                "Training", "Profiling", "Simulation", "Implantation", "Microwells", "Recordings", "NeuralNetwork", "Morphokinetics",
                argumentParser, yams,
            ]),
        .testTarget(name: "RecordingsTests", dependencies: ["Recordings"]),
        .testTarget(name: "NeuralNetworkTests", dependencies: ["NeuralNetwork", "VectorKernels"], resources: [.copy("Goldens")]),
        .testTarget(name: "MorphokineticsTests", dependencies: ["Morphokinetics"], exclude: ["Goldens"]),
        .testTarget(name: "MicrowellsTests", dependencies: ["Microwells", "NeuralNetwork", "Recordings", "Simulation"]),
        .testTarget(name: "ImplantationTests", dependencies: ["Implantation", "Morphokinetics"], exclude: ["Golden"]),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation", "Recordings", "Morphokinetics"]),
        .testTarget(name: "ProfilingTests", dependencies: ["Profiling", "Simulation"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: ["Training", "Profiling", "Simulation", "NeuralNetwork", "Morphokinetics", "Recordings", "Microwells"]),
        .testTarget(name: "CommandTests", dependencies: ["embryo-profiler"]),
    ],
    swiftLanguageModes: [.v6]
)
