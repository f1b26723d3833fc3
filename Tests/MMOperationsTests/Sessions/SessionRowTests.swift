import MMCore
import Testing

@testable import MMOperations

@Suite("The rows of sessions")
struct SessionRowTests {
    @Test("read as they were written, with what each kind of session says", arguments: [true, false])
    func read(isFull: Bool) throws {
        var row = SessionRow("Contoso/exo", connection: "Contoso", module: "exo", state: "ready")
        if isFull {
            row.account = "ada@contoso.example"
            row.until = Timestamp(iso8601: "2026-11-29T10:00:00Z")
            row.code = "ABC"
            row.address = "https://login.example"
            row.reason = "It has ended."
            row.remedy = "Sign in again."
            (row.commands, row.waiting, row.memory) = (3, 1, 4096)
            row.engine = "pwsh"
        }
        #expect(SessionRow(.object(row.json)) == row)
        #expect(SessionRow.members(of: [row])[SessionRow.list]?[0]?["session"] == "Contoso/exo")
    }
}
