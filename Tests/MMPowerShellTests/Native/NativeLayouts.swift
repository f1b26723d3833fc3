import Testing

@testable import MMPowerShell

@Suite("What a script shows at its end")
struct NativeLayouts {
    private func shown(_ script: String) async throws -> [String] {
        var session = NativeSession()
        guard case .completed(let result) = await NativeEngine().run(script, in: &session) else {
            Issue.record("handed over: \(script)")
            return []
        }
        return try result.objects.map { try PSText.string($0) }
    }

    @Test("a list of long values stays native, each value on its own line", arguments: ["fl", "Format-List", "fl *"])
    func longList(format: String) async throws {
        let long = String(repeating: "word ", count: 60) + "end"
        let text = try await shown("[pscustomobject]@{Name='ann'; Description='\(long)'} | \(format)").joined()
        #expect(text == "Name        : ann\nDescription : \(long)")
    }

    @Test("a table that is wider than a terminal keeps its columns")
    func wideTable() async throws {
        let members = (1...9).map { "PropertyWithALongName\($0)=\($0)" }.joined(separator: ";")
        let text = try await shown("[pscustomobject]@{\(members)} | ft").joined()
        #expect(text.contains("PropertyWithALongName9") && !text.contains("\u{2026}"))
    }

    @Test("sizes sort by their bytes, from whatever object they come")
    func sizes() async throws {
        let sizes = [
            "1.1 GB (1,181,116,006 bytes)", "950 MB (996,147,200 bytes)", "2 KB (2,048 bytes)", "0 B (0 bytes)",
        ]
        let rows = sizes.shuffled().map { "[pscustomobject]@{Size='\($0)'}" }.joined(separator: ",")
        #expect(try await shown("\(rows) | Sort-Object Size -Descending | % Size") == sizes)
        #expect(try await shown("\(rows) | Sort-Object { $_.Size } | % Size") == sizes.reversed())
    }

    @Test(
        "only sizes are read as such",
        arguments: [
            ("1.1 GB (1,181,116,006 bytes)", 1_181_116_006), ("10 B (10 bytes)", 10), ("Unlimited", nil),
            ("(5 bytes)", nil),
            ("5 GB (bytes)", nil), ("5 GB (,5 bytes)", nil), ("5 GB (99999999999999999999 bytes)", nil), ("", nil),
        ] as [(String, Int64?)])
    func byteSizes(text: String, bytes: Int64?) {
        #expect(ByteSize.bytes(of: text) == bytes)
    }
}
