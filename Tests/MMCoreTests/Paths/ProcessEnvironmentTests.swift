import Testing

@testable import MMCore

@Suite("The environment of a process")
struct ProcessEnvironmentTests {
    @Test("names files from the home folder where no shell has expanded them, and leaves all else as it is")
    func places() {
        let given = [
            "HOME": "/home/ada", "MM_POOL_TOKEN_FILE": "~/token", "MM_STATE_DIR": "~", "MM_SHELLS": "~/shells.json",
            "MM_CLUSTER_KEY_FILE": "/etc/mm/key", "MM_POOL_TOKEN": "~/secret", "MM_SECRET_WEB": "~/x", "PATH": "~/bin",
            "OTHER_FILE": "~/x",
        ]
        var due = given
        due["MM_POOL_TOKEN_FILE"] = "/home/ada/token"
        due["MM_STATE_DIR"] = "/home/ada"
        due["MM_SHELLS"] = "/home/ada/shells.json"
        #expect(ProcessEnvironment.placed(given) == due)
    }

    @Test("has an absolute home folder")
    func home() throws {
        let here = try #require(ThisProcess.workingDirectory)
        let placed = ProcessEnvironment.placed(["HOME": "ada", "MM_LOG_DIR": "~/logs"])
        #expect(placed["HOME"]?.hasPrefix("/") == true && placed["HOME"]?.hasPrefix(here) == true)
        #expect(placed["HOME"]?.hasSuffix("/ada") == true && placed["MM_LOG_DIR"] == (placed["HOME"] ?? "") + "/logs")
        #expect(ProcessEnvironment.placed(["HOME": ""])["HOME"] == "")
    }
}
