import MMCore
import TestSupport
import Testing

@testable import MMLegacy

@Suite("The settings file of the persistent shell")
struct SettingsFileTests {
    private func settings(_ text: String, _ environment: [String: String] = [:]) throws -> PersistentShellSettings {
        let home = try TestHome()
        let file = "\(home.path)/.env"
        try home.write(file, Array(text.utf8))
        return try PersistentShellSettings(environment: environment, file: file)
    }

    @Test("is read line by line, and the environment takes precedence")
    func lines() throws {
        let text = """
            # A comment
            MCP_SHELL_SERVER__PORT=3077
            export mcp_shell_server__name = "my shell # one"
            MCP_SHELL_LOGGING__LEVEL=debug   # loud
            MCP_SHELL_SESSION__MAX_SESSIONS=
            OTHER=1
            no setting at all
            """
        let read = try settings(text)
        #expect(read.port == 3077 && read.name == "my shell # one" && read.logLevel == "debug")
        #expect(read.maximumSessions == 100)
        #expect(try settings(text, ["MCP_SHELL_SERVER__PORT": "3078"]).port == 3078)
    }

    @Test("is optional, and an invalid value in it is reported with its name")
    func wrong() throws {
        #expect(try PersistentShellSettings(environment: [:], file: "/nowhere/.env").port == 3000)
        let error = #expect(throws: MMError.self) { try settings("MCP_SHELL_SESSION__ISOLATION=maybe") }
        #expect(error?.message.contains("MCP_SHELL_SESSION__ISOLATION") == true)
    }

    @Test(
        "says whether each session of a client has its own shells", arguments: [("user", true), ("session", false)])
    func isolation(word: String, outlives: Bool) throws {
        #expect(try settings("MCP_SHELL_SESSION__ISOLATION=\(word)").isolatesSessions == !outlives)
        let profile = try PersistentShellProfile.profile(environment: ["MCP_SHELL_SESSION__ISOLATION": word])
        #expect(profile.http.outlivesSessions == outlives)
    }
}
