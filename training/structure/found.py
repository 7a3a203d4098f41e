"""The recipe of a found structure: the search's recipe with that structure as its backbone."""

import dataclasses
from pathlib import Path

from models.backbones.registry import backbone_as_dict
from models.backbones.staged import Staged
from training.recipe import Recipe
from training.recipe_reading import as_yaml
from training.structure_plan import StructureSearch
from training.whole_file import write_whole


def write_found(recipe: Recipe, found: Staged, budget: int, folder: Path) -> Path:
    """Write a complete recipe for ``training train`` to ``<name>-found.yaml`` in a folder, and return its path.

    Args:
        recipe: of the search.
        found: the structure that it found.
        budget: operations for one image that the structure had to keep to.
        folder: where to write.
    """
    name = f"{recipe.name}-found"
    settled = dataclasses.replace(recipe, name=name, structure=StructureSearch())
    values = settled.as_dict()
    values["learner"] = {**values["learner"], "backbone": backbone_as_dict(found)}
    path = folder / f"{name}.yaml"
    head = (
        f"# Found by `python -m training search` with the recipe {recipe.name}: {found.operations} operations\n"
        f"# an image, of at most {budget}. Multiply-adds are half as many.\n"
    )
    write_whole(path, head + as_yaml(values))
    return path
