"""The snapshot holds the code, so it is named by all that it is made of."""

from pathlib import Path

from serve.build import SNAPSHOT, built


def test_a_changed_module_has_a_snapshot_of_its_own_and_the_old_one_goes_when_nobody_runs_it(
    sources: Path, tmp_path: Path
) -> None:
    config = sources / "wrangler.toml"
    with built(config, tmp_path) as old:
        assert (old.folder / SNAPSHOT).exists()
        with (sources / "src" / "health.py").open("a") as module:
            module.write("\n# Changed.\n")

        with built(config, tmp_path) as new:
            assert new.folder != old.folder
            assert (new.folder / SNAPSHOT).exists()
            assert old.folder.exists()

    with built(config, tmp_path) as newest:
        assert newest.folder == new.folder
    assert not old.folder.exists()
