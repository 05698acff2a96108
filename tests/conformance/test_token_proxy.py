"""What the proxy does to a request: it adds a token, and nothing that a check could be about changes."""

from tests.conformance.token_proxy import with_token


def test_every_header_keeps_its_case_and_its_blanks() -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: evil.example.com\r\nMCP-METHOD:   tools/list  \r\n\r\n"
    assert with_token(head, "token") == (
        b"POST /mcp HTTP/1.1\r\nAuthorization: Bearer token\r\nConnection: close\r\n"
        b"Host: evil.example.com\r\nMCP-METHOD:   tools/list  \r\n\r\n"
    )


def test_the_connection_ends_with_the_answer_so_that_each_request_gets_its_token() -> None:
    head = b"GET /mcp HTTP/1.1\r\nconnection: keep-alive\r\nHost: 127.0.0.1\r\n\r\n"
    told = with_token(head, "token")
    assert told.lower().count(b"connection:") == 1
    assert b"Connection: close\r\n" in told
