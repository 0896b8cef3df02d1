"""lingon stylize: a photo becomes a picture in the style of another, by optimization or by a network."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lingon.cli.option_rules import check_together
from lingon.cli.text_options import Overwrite
from lingon.core.errors import UserError, suggest
from lingon.pages.page import check_page_path

if TYPE_CHECKING:
    from lingon.tasks.style import Painted

EXCLUDES = {"style": (("net",), "a network has one style of its own")}
NEEDS = {"steps": "style", "style_weight": "style", "content_weight": "style", "smooth": "style", "pooling": "style"}
NEEDS |= {"device": "net"}
SIZE = 256  # of --style by default; a network paints up to 1,024 pixels
POOLINGS = ("average", "max")


def stylize(
    context: typer.Context,
    photo: Annotated[str, typer.Argument(help="Photo: a file, or a name such as chelsea (lingon data list).")],
    style: Annotated[
        str | None,
        typer.Option(help="Picture with the style: a file, or a name such as starry-night. Optimizes the pixels."),
    ] = None,
    net: Annotated[
        str | None, typer.Option(help="Style network instead: wave, la-muse, udnie, or your own bundle.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Output image, .png or .jpg.")] = Path("stylized.png"),
    overwrite: Overwrite = False,
    size: Annotated[
        int | None,
        typer.Option(help="Maximum size of the longer side, in pixels. Default: 256 with --style, 1024 with --net."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of the optimization.")] = 150,
    style_weight: Annotated[float, typer.Option(help="Weight of the style; more leaves less of the photo.")] = 20.0,
    content_weight: Annotated[float, typer.Option(help="Weight of the photo's content.")] = 1.0,
    smooth: Annotated[float, typer.Option(help="Weight of total variation: more is smoother.")] = 1.0,
    pooling: Annotated[str, typer.Option(help="Pooling of VGG-16: average or max.")] = "average",
    page: Annotated[
        Path | None, typer.Option(help="Page (.html) with a slider between the photo and the picture.")
    ] = None,
    device: Annotated[str, typer.Option(help="Device of --net: cpu, cuda, cuda:1, mps or auto.")] = "cpu",
) -> None:
    """Paint a photo in the style of a picture: any picture (Gatys 2016), or a network's one style (Johnson 2016)."""
    check_together(context, EXCLUDES, NEEDS)
    if style is None and net is None:
        raise UserError("say how to paint: --style PICTURE for any style, or --net wave, la-muse, udnie or a bundle")
    _check_out(out, (photo, style), overwrite)
    if page:
        check_page_path(page)
    if net is not None:
        painted = _by_network(photo, net, size, device)
    else:
        assert style is not None
        weights = (style_weight, content_weight, smooth)
        painted = _optimized(photo, style, SIZE if size is None else size, steps, pooling, weights)
    print(f"{painted.save(out)}: {'; '.join([str(painted), *painted.facts])}")
    if page:
        from lingon.tasks.style.painted import write_page

        print(f"wrote {write_page(page, [painted], Path(style or net or '').name)}", file=sys.stderr)


def _check_out(out: Path, read: Sequence[str | None], overwrite: bool) -> None:
    """Raise UserError unless a picture can be written here without a loss. read: the photo and the style."""
    from lingon.data.files.images import check_image_path
    from lingon.data.files.table_writer import check_output

    check_image_path(out)
    for source in filter(None, read):
        check_output(out, Path(source), overwrite)


def _by_network(photo: str, net: str, size: int | None, device: str) -> "Painted":
    from lingon.checkpoints.style_networks import STYLE, is_style_network
    from lingon.cli.load_task import load_for
    from lingon.tasks.style.stylizer import USUAL_SIZE

    if not Path(net).exists() and not is_style_network(net):
        raise UserError(f"there is no folder {net!r}, and no style network of that name; {suggest(net, STYLE)}")
    return load_for("stylize", net, device).predict(photo, USUAL_SIZE if size is None else size)


def _optimized(
    photo: str, style: str, size: int, steps: int, pooling: str, weights: tuple[float, float, float]
) -> "Painted":
    from lingon.tasks.style.optimize import TransferWeights, stylized

    return stylized(photo, style, size, steps, TransferWeights(*weights), pooling)
