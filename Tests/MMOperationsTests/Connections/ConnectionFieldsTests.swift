import MMCore
import Testing

@testable import MMOperations

@Suite("The keys of a connection that commands set")
struct ConnectionFieldsTests {
    private func read(_ arguments: JSONObject) throws -> [String] {
        let reader = try InputReader(
            operation: "connections_edit", arguments: arguments, fields: ConnectionFields.settable)
        return try ConnectionFields.read(reader).map { "\($0.key)=\($0.text ?? "")" }
    }

    @Test("a tenant's ID is a GUID, whichever way it is given")
    func tenantID() throws {
        let id = "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722"
        #expect(try read(["tenantId": .string(id)]) == ["tenantId=\(id)"])
        #expect(try read(["set": ["tenantId": ""]]) == ["tenantId="])
        for arguments in [["tenantId": "contoso.com"], ["set": ["tenantId": "xyz"]]] as [JSONObject] {
            let error = #expect(throws: MMError.self) { try read(arguments) }
            #expect(error?.code == .invalidInput && error?.details["field"]?.string == "tenantId")
        }
    }

    @Test("the command that completes a copy names it as one word")
    func copied() async throws {
        let home = try await ChangesHome(users: 12)
        let answer = try await home.call("connections_duplicate", ["connection": "Demo", "to": "Help desk's"])
        #expect(
            answer.notes.contains { $0.contains("mm connections edit \(ShellWord.quoted("Help desk's")) ") },
            "\(answer.notes)")
        await home.stop()
    }
}
