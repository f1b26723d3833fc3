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

    @Test("a file's place is stored as seen from the caller's folder, unless it is named from the home folder or a URI")
    func files() async throws {
        let home = try await ChangesHome(users: 12)
        var context = home.context(nil)
        context.directory = "/srv/app"
        let values: JSONObject = [
            "auth": "certificate", "auth.certificatePath": "keys/app.pem", "auth.privateKeyPath": "pkcs11:token=mm",
            "auth.certificatePasswordFile": "~/pin", "auth.tokenFile": "/run/token",
        ]
        _ = try await home.service.call(
            "connections_add",
            [
                "name": "App", "tenant": "contoso.com", "appId": "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722",
                "set": .object(values),
            ], in: context)
        _ = try await home.service.call(
            "connections_edit", ["connection": "App", "set": ["auth.assertionFile": "token"]], in: context)
        let auth = try home.service.services.registry.snapshot().connection(named: "App").auth
        #expect(auth.certificatePath == "/srv/app/keys/app.pem" && auth.assertionFile == "/srv/app/token")
        #expect(auth.privateKeyPath == "pkcs11:token=mm" && auth.tokenFile == "/run/token")
        #expect(auth.certificatePasswordFile == "~/pin")
        #expect(auth.inHome("/home/ada").certificatePasswordFile == "/home/ada/pin")
        await home.stop()
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
