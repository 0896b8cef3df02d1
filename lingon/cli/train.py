"""The commands of `lingon train`: one for each preset and each task of the registry, and one for word vectors."""

import typer
from typer.core import TyperGroup

from lingon.recipes import WITHOUT_SCORE, names, recipe_of
from lingon.recipes.as_command import as_command


class Recipes(TyperGroup):
    """A group whose commands are made from the registry when they are asked for."""

    @property
    def commands(self):
        """All of them by name."""
        return {name: self.get_command(None, name) for name in names()}

    @commands.setter
    def commands(self, given):
        """There are no others."""

    def list_commands(self, ctx):
        return names()

    def get_command(self, ctx, cmd_name):
        if cmd_name not in names():
            return None
        one = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        one.command(cmd_name)(as_command(recipe_of(cmd_name), sweeps=cmd_name not in WITHOUT_SCORE))
        return typer.main.get_command(one)
