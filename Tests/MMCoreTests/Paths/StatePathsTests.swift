import MMCore
import Testing

@Suite("Paths", .timeLimit(.minutes(5)))
struct StatePathsTests {
    @Test("everything is below the home folder")
    func usual() {
        let paths = StatePaths(environment: ["HOME": "/home/adele/"])
        #expect(paths.home == "/home/adele")
        #expect(paths.registry == "/home/adele/.m365-connections.json")
        #expect(paths.tokenDirectory == "/home/adele/.mm-graph-tokens")
        #expect(paths.stateDirectory == "/home/adele/.m365-state")
        #expect(paths.logDirectory == "/home/adele/.m365-logs")
        #expect(paths.outputDirectory == "/home/adele/.m365-state/outputs")
        #expect(paths.auditLog == "/home/adele/.m365-state/audit.jsonl")
        #expect(paths.runtimeDirectory == "/home/adele/.m365-state/run")
        #expect(paths.poolLog() == "/home/adele/.m365-logs/session-pool-unified.log")
        #expect(paths.poolLog(of: "Contoso GA") == "/home/adele/.m365-logs/session-pool-Contoso_GA.log")
        #expect(paths.sessionsFile() == "/home/adele/.m365-state/sessions-unified.json")
        #expect(paths.variablesFile() == "/home/adele/.m365-state/variables-unified.json")
        #expect(paths.shellsFile() == "/home/adele/.m365-state/shells-unified.json")
    }

    @Test("single paths can be set")
    func moved() {
        let paths = StatePaths(environment: [
            "HOME": "/h", "MM_CONNECTIONS": "/etc/reg.json", "MM_TOKEN_DIR": "/t/", "MM_STATE_DIR": "~/s",
            "MM_LOG_DIR": "", "XDG_RUNTIME_DIR": "/run/user/1000",
        ])
        #expect(paths.registry == "/etc/reg.json")
        #expect(paths.tokenDirectory == "/t")
        #expect(paths.stateDirectory == "/h/s")
        #expect(paths.pinFile == "/h/s/pins.json")
        #expect(paths.logDirectory == "/h/.m365-logs")
    }

    @Test("without HOME the account's home is used; a relative runtime folder is ignored")
    func fallback() {
        let paths = StatePaths(environment: ["XDG_RUNTIME_DIR": "run"])
        #expect(paths.home.hasPrefix("/"))
        #expect(paths.registry.hasSuffix("/.m365-connections.json"))
        #expect(paths.runtimeDirectory == paths.stateDirectory + "/run")
        #expect(StatePaths(environment: ["HOME": "/"]).registry == "/.m365-connections.json")
    }

    @Test(
        "names become parts of file names",
        arguments: [("A.B", "A_B"), ("a-b_C9", "a-b_C9"), ("../x", "___x"), ("é", "_"), ("", "")])
    func safeNames(name: String, safe: String) {
        #expect(StatePaths.safeName(name) == safe)
    }
}
