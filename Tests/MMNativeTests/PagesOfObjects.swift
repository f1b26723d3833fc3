import MMNative
import Testing

/// Pages and tables of HTML that scripts make of objects.
@Suite("Pages of objects", .timeLimit(.minutes(5)))
struct PagesOfObjects: RunningReports {
    @Test(
        "cells hold what a value says of itself, encoded, under the names as they are",
        arguments: [
            (
                "[pscustomobject]@{ a = 1, 2; d = 0.1 + 0.2; e = '<é>' } | ConvertTo-Html -Fragment",
                [
                    "<table>", "<colgroup><col/><col/><col/></colgroup>", "<tr><th>a</th><th>d</th><th>e</th></tr>",
                    "<tr><td>System.Object[]</td><td>0.30000000000000004</td><td>&lt;&#233;&gt;</td></tr>", "</table>",
                ]
            ),
            (
                "[pscustomobject]@{ Name = 1 } | ConvertTo-Html -Fragment name, @{ n = '<b>'; e = { 1, 2 } }, none | Select-Object -Skip 2",
                ["<tr><th>Name</th><th><b></th></tr>", "<tr><td>1</td><td>1 2</td></tr>", "</table>"]
            ),
            (
                "$null, [pscustomobject]@{ ab = 1; b = 2 }, [pscustomobject]@{ b = 3 } | ConvertTo-Html -Fragment a*, b | Select-Object -Skip 2",
                [
                    "<tr><th>ab</th><th>b</th></tr>", "<tr><td>1</td><td>2</td></tr>", "<tr><td></td><td>3</td></tr>",
                    "</table>",
                ]
            ),
            (
                "[pscustomobject]@{ a = 1 }, [pscustomobject]@{ b = 2 } | ConvertTo-Html -As List -Fragment",
                [
                    "<table>", "<tr><td>a:</td><td>1</td></tr>", "<tr><td><hr></td></tr>",
                    "<tr><td>b:</td><td>2</td></tr>", "</table>",
                ]
            ),
        ] as [(String, [String])])
    func cells(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected, "\(script)")
    }

    @Test("the parts of a page stand as they are written, in PowerShell's order")
    func page() async throws {
        let script =
            "ConvertTo-Html -Title '<a> & b' -Charset utf-8 -Meta @{ Author = 'x & y' } -CssUri 'a&b.css' "
            + "-Body '<p>' -PreContent 'pre' -PostContent 'post' | Select-Object -Skip 2"
        #expect(
            try await texts(script) == [
                "<head>", "<meta charset=\"utf-8\">", "<meta name=\"Author\" content=\"x & y\">",
                "<title><a> & b</title>", "<link rel=\"stylesheet\" type=\"text/css\" href=\"a&b.css\" />",
                "</head><body>", "<p>", "pre", "<table>", "</table>", "post", "</body></html>",
            ])
    }

    @Test(
        "metadata of which PowerShell warns, and addresses that .NET rewrites, are handed over",
        arguments: ["ConvertTo-Html -Meta @{ other = 1 }", "ConvertTo-Html -CssUri 'https://A.b'"])
    func unusual(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "keys other than texts have an order of .NET's own",
        arguments: [
            "@{1='a';2='b';3='c'}.Values -join ','", "@{1='a';2='b'}.Keys", "@{1='a';b='b'}.GetEnumerator()",
            "@{1='a';2='b'} | Format-Table | Out-String", "@{1='a';2='b'} | Out-String",
            "@{1='a';2='b'} | ConvertTo-Json", "foreach ($k in @{1='a';2='b'}.Keys) { $k }",
        ])
    func order(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }
}
