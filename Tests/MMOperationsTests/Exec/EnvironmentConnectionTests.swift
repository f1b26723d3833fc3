import MMCore
import Testing

@testable import MMOperations

@Suite("The connection of a job's environment", .timeLimit(.minutes(5)))
struct EnvironmentConnectionTests {
    private static let app = [
        "AZURE_CLIENT_ID": "5a4db0c5-0000-4000-8000-00000000a002",
        "AZURE_TENANT_ID": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
    ]

    @Test(
        "each credential that the libraries of Azure read makes one",
        arguments: [
            (["AZURE_CLIENT_SECRET": "s"], ConnectionAuth.Method.secret),
            (["AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem"], .certificate),
            (["AZURE_FEDERATED_TOKEN_FILE": "/t"], .federated),
            (["ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"], .federated),
        ])
    func made(_ variables: [String: String], _ method: ConnectionAuth.Method) throws {
        let connection = try EnvironmentConnection.make(Self.app.merging(variables) { $1 })
        #expect(connection.auth.method == method && connection.cloud == "public")
        #expect(connection.appId == Self.app["AZURE_CLIENT_ID"])
        // The secret itself stands nowhere in it.
        #expect(!JSONWriter.string(.object(connection.raw)).contains("\"s\""))
    }

    @Test(
        "the password of a certificate comes from its variable, and stands nowhere in the connection",
        arguments: ["", "pw-of-it"])
    func password(_ password: String) throws {
        let connection = try EnvironmentConnection.make(
            Self.app.merging([
                "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pfx", "AZURE_CLIENT_CERTIFICATE_PASSWORD": password,
            ]) { $1 })
        let named = connection.auth.certificatePasswordVariable
        #expect(named == (password.isEmpty ? nil : "AZURE_CLIENT_CERTIFICATE_PASSWORD"))
        #expect(!JSONWriter.string(.object(connection.raw)).contains("pw-of-it"))
    }

    @Test(
        "what fails is to be mended in the job's variables, of which there is no entry",
        arguments: [
            ("AZURE_CLIENT_SECRET", MMErrorCode.invalidInput), ("AZURE_CLIENT_CERTIFICATE_PATH", .forbidden),
            ("AZURE_FEDERATED_TOKEN_FILE", .signInNeeded),
        ])
    func failed(_ variable: String, _ code: MMErrorCode) throws {
        let connection = try EnvironmentConnection.make(Self.app.merging([variable: "/x"]) { $1 })
        let told = EnvironmentConnection.error(
            MMError(code, "It failed.", hint: "mm connections show environment."), of: connection)
        #expect(told.hint?.contains(variable) == true && told.hint?.contains("mm connections") == false)
        let passing = MMError(.unavailable, "Nobody answers.", hint: "Try again.")
        #expect(EnvironmentConnection.error(passing, of: connection).hint == "Try again.")
    }

    @Test(
        "the authority names the cloud",
        arguments: [
            ("https://login.microsoftonline.com/", "public"), ("https://login.microsoftonline.us", "gcchigh"),
            ("login.partner.microsoftonline.cn", "china"),
        ])
    func cloud(_ authority: String, _ name: String) throws {
        let variables = Self.app.merging(["AZURE_CLIENT_SECRET": "s", "AZURE_AUTHORITY_HOST": authority]) { $1 }
        #expect(try EnvironmentConnection.make(variables).cloud == name)
    }

    @Test("what is missing is named", arguments: ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"])
    func missing(_ name: String) throws {
        var variables = Self.app.merging(["AZURE_CLIENT_SECRET": "s"]) { $1 }
        variables[name] = nil
        do throws(MMError) {
            _ = try EnvironmentConnection.make(variables)
            Issue.record("it was made")
        } catch {
            #expect(error.code == .invalidInput && error.message.contains(name), "\(error)")
        }
    }
}
