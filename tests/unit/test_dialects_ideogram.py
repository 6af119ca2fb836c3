"""Ideogram: what its fixtures do not show."""

import json

import pytest

from call import Ask, Report, Usage
from dialects.ideogram import IDEOGRAM


@pytest.mark.parametrize(
    ("path", "model", "model_type"),
    [
        ("v1/ideogram-v3/generate", "ideogram-v3", "text-to-image"),
        ("v1/ideogram-v3/replace-background", "ideogram-v3", "text-to-image"),
        ("v1/ideogram-v4/async/generate", "ideogram-v4", "text-to-image"),
        ("v2/image/generate/ideogram-4-5", "ideogram-4-5", "text-to-image"),
        ("v1/p-image-ideogram/generate", "p-image-ideogram", "text-to-image"),
        ("generate", None, "text-to-image"),
        ("describe", None, "image-to-text"),
        ("v2/video/generate", None, "text-to-video"),
        ("v2/generations/xtdZ", None, None),
        ("", None, None),
    ],
)
def test_the_path_names_the_model_of_ideogram(
    path: str, model: str | None, model_type: str | None
) -> None:
    assert IDEOGRAM.ask(path, None, "") == Ask(model, model_type)


@pytest.mark.parametrize("body", ['{"image_request":1}', '{"image_request":{"model":1}}', "[]"])
def test_a_legacy_request_may_name_no_model(body: str) -> None:
    assert IDEOGRAM.ask("generate", body, "").model is None


@pytest.mark.parametrize(
    ("answer", "report"),
    [
        ({"data": []}, Report(usage=Usage(images=0))),
        ({"data": [{"object_type": "video"}]}, Report(usage=Usage(images=0))),
        ({"data": [{"is_image_safe": False, "url": ""}]}, Report(usage=Usage(images=1))),
        ({"data": {"a": 1}}, Report()),
        ({"generation_id": "x", "status": "pending"}, Report()),
        ({"generation_id": "x", "status": "failed"}, Report(complete=False)),
        ({"data": 1, "usage_cost_usd_micros": -1}, Report()),
    ],
)
def test_images_of_ideogram_are_counted_as_they_are_billed(answer: object, report: Report) -> None:
    assert IDEOGRAM.report(json.dumps(answer)) == report
