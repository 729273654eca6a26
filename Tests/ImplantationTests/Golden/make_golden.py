"""Writes logistic.json: penalised logistic regression, pairwise ranking and metrics by scikit-learn, for LogisticFitTests.swift.

    pip install scikit-learn numpy
    python3 make_golden.py
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score


def fit(x, y, c, weights=None, intercept=True):
    model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12, max_iter=1000, fit_intercept=intercept)
    return model.fit(x, y, sample_weight=weights)


def draw(rng, rows, columns, correlation, beta, offset):
    covariance = correlation * np.ones((columns, columns)) + (1 - correlation) * np.eye(columns)
    x = rng.multivariate_normal(np.zeros(columns), covariance, rows)
    p = 1 / (1 + np.exp(-(x @ beta + offset)))
    return x, (rng.uniform(size=rows) < p).astype(int)


def rounded(values):
    return [float(f"{v:.6f}") for v in np.ravel(values)]


def main():
    rng = np.random.default_rng(20261123)
    sets = []
    settings = [
        ("plain", 60, 3, 0.0, [1.0, -0.5, 0.2], -0.4, 1.0, False),
        ("correlated, weighted", 120, 8, 0.8, [0.6, -0.6, 0.3, 0, 0, 0.2, -0.1, 0.4], -0.7, 0.1, True),
        ("rare outcome, weak penalty", 150, 5, 0.3, [1.5, 1.0, 0, 0, -0.5], -3.0, 100.0, False),
        ("nearly separable", 40, 2, 0.0, [9.0, -7.0], 0.0, 10.0, False),
    ]
    for name, rows, columns, correlation, beta, offset, c, weighted in settings:
        x, y = draw(rng, rows, columns, correlation, np.array(beta), offset)
        x = np.array(rounded(x)).reshape(rows, columns)
        weights = np.array(rounded(rng.uniform(0.2, 3, rows))) if weighted else None
        model = fit(x, y, c, weights)
        p = model.predict_proba(x)[:, 1]
        observed, predicted = calibration_curve(y, p, n_bins=5, strategy="quantile")
        sets.append(
            dict(
                name=name, rows=rows, columns=columns, x=x.ravel().tolist(), y=y.tolist(), c=c,
                weights=None if weights is None else weights.tolist(), coefficients=model.coef_[0].tolist(),
                intercept=float(model.intercept_[0]), probabilities=p.tolist(), auc=roc_auc_score(y, p), brier=brier_score_loss(y, p),
                logLoss=log_loss(y, p), weightedAUC=roc_auc_score(y, p, sample_weight=weights),
                calibrationObserved=observed.tolist(), calibrationPredicted=predicted.tolist(),
            )
        )

    # Ranking: all pairs of a positive and a negative, the weights summing to the number of rows, no intercept.
    rows, columns, c = 50, 4, 0.3
    x, y = draw(rng, rows, columns, 0.4, np.array([0.8, -0.4, 0.0, 0.3]), -0.6)
    x = np.array(rounded(x)).reshape(rows, columns)
    pairs = np.array([x[i] - x[j] for i in range(rows) for j in range(rows) if y[i] == 1 and y[j] == 0])
    weight = rows / len(pairs)
    # scikit-learn needs both classes: each pair is given both ways with half of the weight, which is the same objective.
    both = np.vstack([pairs, -pairs])
    labels = np.array([1] * len(pairs) + [0] * len(pairs))
    model = fit(both, labels, c, np.full(len(both), weight / 2), intercept=False)
    ranking = dict(
        rows=rows, columns=columns, x=x.ravel().tolist(), y=y.tolist(), c=c, pairs=len(pairs), coefficients=model.coef_[0].tolist(),
        auc=roc_auc_score(y, x @ model.coef_[0]),
    )

    # Imputation, standardisation and fit together, as in a laboratory's table with gaps.
    rows, columns, c = 90, 3, 0.5
    x, y = draw(rng, rows, columns, 0.5, np.array([0.9, 0.0, -0.7]), -0.5)
    x = np.array(rounded(x * [3.0, 5.0, 1.5] + [50.0, 26.0, 11.0])).reshape(rows, columns)
    for column in range(columns):
        x[rng.choice(rows, 3, replace=False), column] = np.nan
    # The mean and deviation are those of the known values: standardise first, then put 0 for the missing.
    mean, scale = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    z = np.nan_to_num((x - mean) / scale, nan=0.0)
    model = fit(z, y, c)
    gaps = dict(
        rows=rows, columns=columns, x=[None if np.isnan(v) else v for v in x.ravel()], y=y.tolist(), c=c, means=mean.tolist(),
        scales=scale.tolist(), coefficients=model.coef_[0].tolist(), intercept=float(model.intercept_[0]),
    )
    out = dict(scikitLearn=sklearn.__version__, sets=sets, ranking=ranking, gaps=gaps)
    path = pathlib.Path(__file__).with_name("logistic.json")
    path.write_text(json.dumps(out) + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
