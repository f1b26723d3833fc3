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

    @Test("say in words how to sign in, or why a session can't be used, however narrow the screen is")
    func remark() {
        var row = SessionRow("Contoso/exo", connection: "Contoso", module: "exo", state: "ready")
        #expect(row.remark == nil)
        (row.reason, row.remedy) = ("It has ended.", "Sign in again.")
        #expect(row.remark == "Contoso/exo: It has ended. Sign in again.")
        (row.code, row.address) = ("ABC", "https://login.example")
        #expect(row.remark == "Contoso/exo: open https://login.example, enter the code ABC and sign in.")
        row.account = "ada@contoso.example"
        #expect(row.remark?.hasSuffix("enter the code ABC and sign in as ada@contoso.example.") == true)
        var other = row
        other.session = "Contoso/graph-api"
        #expect(SessionRow.remarks(on: [row, other]).count == 1)
        other.code = "XYZ"
        #expect(SessionRow.remarks(on: [row, other]).count == 2)
    }
}
