"""Spring's pages, to the letter: every row of the table in facts, section 3.1."""

from typing import Any

import httpx2
import pytest

from app.services.paging import Page, Window
from rest_compat.pages import spring_page

BASE = "/api/v1/communications"
UNSORTED = {"empty": True, "sorted": False, "unsorted": True}
SORTED = {"empty": False, "sorted": True, "unsorted": False}
# number, size, rows on the page, all rows: totalPages, first, last, empty
TABLE = {
    "no rows": ((0, 20, 0, 0), (0, True, True, True)),
    "45 rows, first page": ((0, 20, 20, 45), (3, True, False, False)),
    "45 rows, last page": ((2, 20, 5, 45), (3, False, True, False)),
    "beyond the end": ((5, 20, 0, 45), (3, False, True, True)),
    "beyond the end of nothing": ((5, 20, 0, 0), (0, False, True, True)),
    "unpaged": ((0, 7, 7, 7), (1, True, True, False)),
    "unpaged, no rows": ((0, 0, 0, 0), (1, True, True, True)),
    "exactly one page": ((0, 20, 20, 20), (1, True, True, False)),
    "exactly two pages": ((1, 20, 20, 40), (2, False, True, False)),
}


@pytest.mark.parametrize(("given", "expected"), TABLE.values(), ids=TABLE)
def test_a_page_counts_as_springs(given: tuple[int, ...], expected: tuple[Any, ...]) -> None:
    number, size, rows, total = given
    total_pages, first, last, empty = expected

    page = spring_page(Page.of(range(rows), Window(number, size), total))

    assert page == {
        "pageable": {
            "pageNumber": number,
            "pageSize": size,
            "sort": UNSORTED,
            "offset": number * size,
            "paged": True,
            "unpaged": False,
        },
        "last": last,
        "totalElements": total,
        "totalPages": total_pages,
        "size": size,
        "number": number,
        "sort": UNSORTED,
        "first": first,
        "numberOfElements": rows,
        "empty": empty,
    }


def test_a_count_that_was_overtaken_is_corrected() -> None:
    assert Page.of(range(5), Window(2, 20), 44).total_elements == 45
    assert Page.of(range(5), Window(2, 20), 46).total_elements == 45
    assert Page.of(range(20), Window(0, 20), 45).total_elements == 45
    assert Page.of((), Window(2, 20), 39).total_elements == 39


async def test_sort_is_told_twice(client: httpx2.AsyncClient) -> None:
    page = (await client.get(f"{BASE}/page", params={"sortBy": "subject"})).json()

    assert page["sort"] == page["pageable"]["sort"] == SORTED


async def test_the_default_order_is_no_sort(client: httpx2.AsyncClient) -> None:
    page = (await client.get(f"{BASE}/page")).json()

    assert page["sort"] == page["pageable"]["sort"] == UNSORTED


@pytest.mark.parametrize(
    ("params", "number", "size"),
    [
        ({}, 0, 20),
        ({"page": "3", "size": "5"}, 3, 5),
        ({"pageNumber": "3", "pageSize": "5"}, 3, 5),
        ({"page": "1", "pageNumber": "3"}, 1, 20),
        ({"size": "0"}, 0, 20),
        ({"size": "2000"}, 0, 2000),
        ({"size": "2001"}, 0, 2000),
        ({"size": "2147483647"}, 0, 2000),
        ({"page": "2147483647"}, 2147483647, 20),
        ({"page": "2147483647", "size": "2000"}, 2147483647, 2000),
        ({"page": "007"}, 7, 20),
    ],
)
@pytest.mark.parametrize("path", ["/page", "/dynamic-search"])
async def test_the_window_is_read_as_springs(
    client: httpx2.AsyncClient, path: str, params: dict[str, str], number: int, size: int
) -> None:
    response = await client.get(f"{BASE}{path}", params=params)

    page = response.json()
    assert response.status_code == 200
    assert (page["number"], page["size"]) == (number, size)
    assert page["pageable"]["offset"] == number * size


@pytest.mark.parametrize("text", ["-1", "x", "", " 1", "+1", "1.0", "1e3", "٣", "2147483648",
                                  "99999999999999999999", "null", "1,2", "0x1", "\0"])  # fmt: skip
@pytest.mark.parametrize("name", ["page", "size", "pageNumber", "pageSize"])
@pytest.mark.parametrize("path", ["/page", "/dynamic-search", "/csv-export"])
async def test_what_is_no_number_is_refused(
    client: httpx2.AsyncClient, path: str, name: str, text: str
) -> None:
    response = await client.get(f"{BASE}{path}", params={name: text})

    assert response.status_code == 400
    assert response.json()["title"] == "Bad Request"


@pytest.mark.parametrize("value", [-1, 2**31, 1.5, "1", True, [1], {"a": 1}])
@pytest.mark.parametrize("name", ["page", "size"])
async def test_in_a_body_too(client: httpx2.AsyncClient, name: str, value: object) -> None:
    response = await client.post(f"{BASE}/dynamic-search", json={name: value})

    assert response.status_code == 400
    assert response.json()["detail"].startswith(f"{name}: ")
