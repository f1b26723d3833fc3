import MMCore
import MMOperations
import Testing

@Suite("Placeholders never change what the text around them means")
struct ToolTemplateTests {
    private func scope(_ value: JSONValue) -> ToolScope {
        ToolScope(parameters: ["x": value], now: Timestamp(iso8601: "2026-03-31T00:00:00Z") ?? .now)
    }

    @Test(
        "a value is one part of a path",
        arguments: [
            ("/users/{x}", "adele@contoso.com", "/users/adele@contoso.com"),
            ("/users/{x}", "a/../b?c#d%2F", "/users/a%2F..%2Fb%3Fc%23d%252F"),
            ("/users('{x}')", "O'Neil", "/users('O%27%27Neil')"),
            ("/me/drive/root:/{x}:/content", "a b:c", "/me/drive/root:/a%20b%3Ac:/content"),
        ])
    func path(template: String, value: String, due: String) throws {
        #expect(try ToolTemplate(template).path(in: scope(.string(value))) == due)
    }

    @Test("a value that would be another path is refused", arguments: ["", ".", ".."])
    func noPath(value: String) throws {
        let template = try ToolTemplate("/users/{x}/messages")
        #expect(throws: MMError.self) { try template.path(in: scope(.string(value))) }
    }

    @Test("a list is no part of a path")
    func listPath() throws {
        let template = try ToolTemplate("/users/{x}")
        #expect(throws: MMError.self) { try template.path(in: scope(["a", "b"])) }
    }

    @Test(
        "quotes of a value stay within the quotes of the query",
        arguments: [
            ("displayName eq '{x}'", JSONValue.string("O'Neil' or 1 eq 1"), "displayName eq 'O''Neil'' or 1 eq 1'"),
            (
                "startsWith(mail,'{x}') and id in ('{x}')", ["a'b", "c"],
                "startsWith(mail,'a''b','c') and id in ('a''b','c')"
            ),
            ("\"displayName:{x}\"", "say \"hi\" \\", "\"displayName:say \\\"hi\\\" \\\\\""),
            ("createdDateTime ge {x|daysAgo}", 30, "createdDateTime ge 2026-03-01T00:00:00Z"),
            ("signIns le {x|daysAhead}", "x", ""), ("signIns le {x|daysAgo}", .int(.min), ""),
            ("{x}", ["id", "mail"], "id,mail"),
            ("name eq '{{{x}}}'", "a", "name eq '{a}'"),
        ] as [(String, JSONValue, String)])
    func query(template: String, value: JSONValue, due: String) throws {
        let template = try ToolTemplate(template)
        guard !due.isEmpty else {
            #expect(throws: MMError.self) { try template.queryValue(in: scope(value)) }
            return
        }
        #expect(try template.queryValue(in: scope(value)) == due)
    }

    @Test("outside quotes a value is one word", arguments: ["1 or 1 eq 1", "a,b", "x)", "'a'", ""])
    func word(value: String) throws {
        let template = try ToolTemplate("accountEnabled eq {x}")
        #expect(throws: MMError.self) { try template.queryValue(in: scope(.string(value))) }
    }

    @Test("a placeholder alone keeps the type of its value in a body, and leaves out what has none")
    func body() throws {
        let body = ToolBody.object([
            ("count", .template(try ToolTemplate("{x}"))), ("text", .template(try ToolTemplate("n={x}"))),
            ("gone", .template(try ToolTemplate("{y}"))), ("fixed", .value(true)),
        ])
        #expect(try body.json(in: scope(7)) == ["count": 7, "text": "n=7", "fixed": true])
    }

    @Test(
        "what is no placeholder is refused", arguments: ["{", "{}", "a}b", "{a b}", "{a|b}", "{a|daysAgo|x}", "{a..b}"])
    func wrong(text: String) {
        #expect(throws: MMError.self) { try ToolTemplate(text) }
    }
}
