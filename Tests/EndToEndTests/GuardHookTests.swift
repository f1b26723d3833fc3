import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

/// The Git hook of Docs/Guard.md, read from the page.
@Suite(
    "A hook that judges scripts before a commit", .timeLimit(.minutes(5)),
    .enabled(if: ExecutableSearch.find("git", path: "/usr/local/bin:/usr/bin:/bin") != nil, "needs git"))
struct GuardHookTests {
    private let home: TemporaryHome
    private let environment: [String: String]

    init() throws {
        home = try TemporaryHome()
        var environment = home.environment
        let folder = Programs.mm.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/")
        environment["PATH"] = "\(folder):/usr/local/bin:/usr/bin:/bin"
        environment["MM_EMBEDDED"] = "1"
        for who in ["AUTHOR", "COMMITTER"] {
            environment["GIT_\(who)_NAME"] = "Ann"
            environment["GIT_\(who)_EMAIL"] = "ann@contoso.example"
        }
        self.environment = environment
    }

    private var folder: String { home.path + "/repository" }

    private func shell(_ text: String) async throws -> Tenant.Ran {
        try await Tenant.run("/bin/sh", ["-c", "cd '\(folder)' && \(text)"], environment, input: "")
    }

    /// A new repository with the hook.
    private func prepare() async throws {
        let page = String(
            decoding: try #require(try ProtectedFile.read(Programs.packageFolder + "/Docs/Guard.md")), as: UTF8.self)
        let start = try #require(page.firstRange(of: "```sh\n#!/bin/sh\n"))
        let rest = String(page[start.lowerBound...].dropFirst("```sh\n".count))
        let hook = rest[..<(try #require(rest.firstRange(of: "\n```")).lowerBound)]
        try #require(mkdir(folder, 0o700) == 0)
        try #require(try await shell("git init -q .").code == 0)
        try ProtectedFile.replace(folder + "/.git/hooks/pre-commit", with: Array((hook + "\n").utf8))
        try #require(chmod(folder + "/.git/hooks/pre-commit", 0o755) == 0)
    }

    private func add(_ name: String, _ text: String) async throws {
        try ProtectedFile.replace("\(folder)/\(name)", with: Array(text.utf8))
        try #require(try await shell("git add '\(name)'").code == 0)
    }

    @Test(
        "returns the verdict, and Git commits only what is allowed",
        arguments: [
            ("read.ps1", "Get-Mailbox\n", 0), ("ask.sh", "#!/bin/sh\nrm -rf /srv/x\n", 5),
            ("deny.psm1", "Connect-ExchangeOnline\n", 4), ("with blank.sh", "#!/bin/sh\nls\n", 0),
            ("notes.txt", "rm -rf /\n", 0),
        ] as [(String, String, Int32)])
    func verdicts(name: String, text: String, code: Int32) async throws {
        try await prepare()
        try await add(name, text)
        let hook = try await shell(".git/hooks/pre-commit")
        #expect(hook.code == code, "\(hook)")
        let commit = try await shell("git commit -qm x")
        #expect((commit.code == 0) == (code == 0), "\(commit)")
        #expect(try await shell("git rev-parse -q --verify HEAD").code == (code == 0 ? 0 : 1))
    }

    @Test("judges the staged content rather than the files in the folder, and nothing that is deleted")
    func staged() async throws {
        try await prepare()
        try await add("a.sh", "#!/bin/sh\nrm -rf /srv/x\n")
        try ProtectedFile.replace("\(folder)/a.sh", with: Array("#!/bin/sh\nls\n".utf8))
        #expect(try await shell(".git/hooks/pre-commit").code == 5)
        #expect(try await shell("git commit -qm x --no-verify && git rm -qf a.sh && git commit -qm y").code == 0)
    }

    @Test("lets nothing through that it could not read")
    func faults() async throws {
        try await prepare()
        try await add("a.sh", "#!/bin/sh\nls\n")
        // Remove the staged content.
        #expect(try await shell("find .git/objects -type f -exec chmod u+w {} + -exec rm {} +").code == 0)
        #expect(try await shell(".git/hooks/pre-commit").code != 0)
    }
}
