import MMCore
import MMNative
import Testing

@testable import MMOperations

@Suite("Objects of a native script as text", .timeLimit(.minutes(5)))
struct NativeTextTests {
    private func rows(_ cmdlet: String) throws -> [PSValue] {
        var reader = ExchangeRowReader(of: cmdlet)
        return try ["ann", "kurt"].map { name in
            let row = """
                {"Guid":"1","DisplayName":"\(name)","Name":"\(name)","Alias":"a","Database":"db1",
                "ProhibitSendQuota":"99 GB (106,300,440,576 bytes)","Emails":["a","b"]}
                """
            let object = reader.object(Array(row.utf8)[...])
            return try #require(object)
        }
    }

    @Test("a cmdlet's objects stand in its columns, with values whole and a word on the other properties")
    func columns() throws {
        let rows = try rows("Get-Mailbox")
        let lines = NativeText.shown(rows).split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[0].split(separator: " ").prefix(4) == ["Name", "Alias", "Database", "ProhibitSendQuota"])
        #expect(lines[3].contains("kurt") && lines[3].contains("99 GB (106,300,440,576 bytes)"))
        #expect(NativeText.note(on: rows)?.hasPrefix("5 of 7 properties") == true)
        #expect(rows.first?.json(depth: 3)["Emails"] == ["a", "b"])
    }

    @Test("objects without columns of their own are shown whole")
    func whole() throws {
        let rows = try rows("Get-EXOMailbox")
        #expect(NativeText.shown(rows).contains("Guid              : 1"))
        #expect(NativeText.note(on: rows) == nil)
    }

    private func shown(_ script: String) async throws -> [String] {
        var session = NativeSession()
        guard case .completed(let result) = await NativeEngine().run(script, in: &session) else {
            throw MMError(.internalError, "\(script) did not run")
        }
        return NativeText.shown(result.objects).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    @Test("a hashtable is shown with what it holds")
    func table() async throws {
        #expect(
            try await shown("[ordered]@{Users=5;Names='a','b'}") == [
                "Name                           Value", "----                           -----",
                "Users                          5", "Names                          {a, b}",
            ])
        #expect(
            try await shown("[ordered]@{Hashes=[ordered]@{a=1;b='x','y'}}").last
                == "Hashes                         {[a, 1], [b, System.Object[]]}")
        #expect(try await shown("@{Few=@{a=1}}").last == "Few                            {[a, 1]}")
    }

    @Test("objects, dates and lists are shown as PowerShell does")
    func formats() async throws {
        #expect(
            try await shown("[pscustomobject]@{Name='a';Size=1.5},[pscustomobject]@{Name='bb';Size=10}") == [
                "Name Size", "---- ----", "a    1.50", "bb     10",
            ])
        #expect(try await shown("[datetime]'2026-01-02T03:04:05'") == ["Friday, 02 January 2026 03:04:05"])
        #expect(try await shown(",@(1, 2)") == ["1", "2"])
        #expect(try await shown("'a'; [pscustomobject]@{N=1}; 'b'") == ["a", "", "N", "-", "1", "", "b"])
    }

    @Test("nothing is cut where no screen limits it")
    func longCells() async throws {
        let lines = try await shown("[pscustomobject]@{A='\(String(repeating: "x", count: 300))';B='end'}")
        #expect(lines.last?.hasSuffix("x end") == true)
    }

    @Test("a table fits the screen that shows it", arguments: [50, 80, 200])
    func screen(width: Int) throws {
        let rows = try rows("Get-Mailbox")
        let lines = NativeText.shown(rows, width: width).split(separator: "\n")
        #expect(lines.count == 4)
        for line in lines { #expect(TableText.width(String(line)) <= width, "\(line)") }
        #expect(lines[3].contains("kurt"))
    }

    @Test("messages are whole and in their places, before a table whose rows they come between")
    func messages() {
        func row(_ id: Int32) -> PSValue { PSObject([("Id", .int(id))]).map { .object($0) } ?? .null }
        let objects = [.string("first"), row(1), row(2), .string("last")]
        let lines = [("-", 0), ("-", 1), ("between", 2), ("-", 3), ("end", 4), ("", 4), ("end", 4)]
        let text = NativeText.shown(objects, lines.map { (text: $0.0, place: $0.1) })
        #expect(text == "-\nfirst\n-\nbetween\n\nId\n--\n 1\n 2\n\n-\nlast\nend\n\nend", "\(text)")
    }
}
