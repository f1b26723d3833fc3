import Glibc
import MMCore
import MMSystem
import Testing

@Suite("Commands in the documentation", .serialized, .timeLimit(.minutes(10)))
struct DocumentedLinesTests {
    /// Lines that aren't run here: their beginning, and the reason.
    private static let leftOut = [
        ("make ", "builds the programs, or tests them"), ("mm connect contoso.com", "signs in to a real tenant"),
        ("mm plan approve", "asks a person in a terminal"), ("mm runbook approve", "the same"),
        ("mm-mcp --http", "serves until it is stopped"), ("mm ssh ", "needs the reader's host"),
        ("mm shell build", "is a terminal"), ("mm shell run 'cd /srv", "needs the reader's folder"),
        ("mm sandbox start", "the tenant runs"), ("mm connect contoso-sandbox", "asks in a terminal"),
        ("mm graph ContosoSandbox", "needs the connection of the line above"),
        ("mm sandbox stop", "ends the tenant that the other lines need"),
        ("sudo apt ", "installs a package"), ("systemctl ", "changes the reader's system"),
        ("podman ", "needs an image"), ("generate ", "is the reader's own program"),
        ("mm graph customers:Partner", "needs a tenant that is a partner"), ("mm login Partner", "the same"),
        ("mm login Demo", "is called otherwise here"), ("mm connections edit Team", "needs the reader's certificate"),
        ("mm sandbox faults --tenant", "the same"),
        ("curl --unix-socket", "needs the address of the reader's pool"),
    ]

    /// Placeholders for values that only the reader has: a code, an id, a handle.
    private static let placeholders = ["CODE", "/ID/", "chg_", "--call ", "TOKEN", "set_", " JOB", " APP "]

    /// Expected exit codes other than 0: the beginning of the line, and the code.
    private static let codes: [(line: String, codes: Set<Int32>)] = [
        // The exit code is the guard's verdict.
        ("mm guard check", [4, 5]),
        // There is no PowerShell or systemd here, which these report.
        ("mm doctor", [1]),
        // There is no terminal to ask in: the sign-in or confirmation has to happen elsewhere.
        ("mm login", [3]),
        // There are differences.
        ("mm plan -o", [2]),
        // The page changes nothing before this line.
        ("mm undo --since", [1]), ("mm graph Contoso /groups -X POST", [5]),
    ]

    /// The accounts in the documentation, and their counterparts in the sandbox tenant.
    private static let accounts = [
        ("ann@contoso.com", "lena.vogt@contoso-sandbox.example"),
        ("ada@contoso.com", "lena.vogt@contoso-sandbox.example"),
        ("sales@contoso.com", "newsletter@contoso-sandbox.example"), ("@contoso.com", "@contoso-sandbox.example"),
    ]

    private static let pages: [String] = {
        let docs = (try? FolderListing.names(in: Programs.packageFolder + "/Docs")) ?? []
        return (["README.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "Docs/" + $0 })
            .filter { !lines(of: $0).isEmpty }
    }()

    @Test("run as written on the sandbox tenant", arguments: pages)
    func run(page: String) async throws {
        let tenant = try await Tenant()
        let folder = tenant.home.path
        try await addConnections(tenant)
        try write(filesIn: folder)
        let programs = Programs.mm.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        var environment = tenant.home.environment
        environment["PATH"] = programs.joined(separator: "/") + ":" + (environment["PATH"] ?? "")
        var count = 0
        for line in Self.lines(of: page) where !isLeftOut(line) {
            var typed = line
            for (written, account) in Self.accounts { typed = typed.replacing(written, with: account) }
            let ran = try await Tenant.run(
                "/bin/bash", ["-c", "cd; " + typed], environment, input: "")
            let allowed = Self.codes.first { line.hasPrefix($0.line) }?.codes ?? []
            #expect(
                ran.code == 0 || allowed.contains(ran.code),
                "\(line)\n\(ran.code): \(ran.error)\(ran.output.suffix(500))")
            count += 1
        }
        #expect(count > 0 || Self.lines(of: page).allSatisfy(isLeftOut))
        await tenant.stop()
    }

    @Test("every exception and every exit code listed here is used by a line")
    func table() {
        let lines = Self.pages.flatMap(Self.lines)
        #expect(lines.count > 60)
        for start in Self.leftOut.map(\.0) + Self.codes.map(\.line) {
            #expect(lines.contains { $0.hasPrefix(start) }, "\(start)")
        }
    }

    private func isLeftOut(_ line: String) -> Bool {
        // A line without a command is only a prompt.
        line == "mm run Contoso exo" || Self.placeholders.contains { line.contains($0) }
            || Self.leftOut.contains { line.hasPrefix($0.0) }
    }

    /// The lines after a `$` in a page's code blocks, without comments.
    private static func lines(of page: String) -> [String] {
        guard let bytes = try? ProtectedFile.read(Programs.packageFolder + "/" + page) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("$ ") }.map { line in
            var line = String(line.dropFirst(2))
            if let comment = line.firstRange(of: "  #") { line = String(line[..<comment.lowerBound]) }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }

    /// The connections that the documentation uses, signed in.
    private func addConnections(_ tenant: Tenant) async throws {
        for arguments in [
            ["rename", "Demo", "Contoso"], ["duplicate", "Contoso", "Fabrikam"], ["edit", "Contoso", "tags=[\"msp\"]"],
            ["edit", "Fabrikam", "tags=[\"msp\"]"],
        ] {
            let ran = try await tenant.mm(["connections"] + arguments)
            try #require(ran.code == 0, "\(ran.error)")
        }
        for name in ["Contoso", "Fabrikam"] { try await tenant.signIn(name) }
    }

    /// Files that the reader is assumed to have.
    private func write(filesIn home: String) throws {
        let script = "param([int]$Days)\nGet-Mailbox -ResultSize 1 | Select-Object DisplayName\n"
        for (name, text) in [
            (
                "group.json",
                #"{"displayName": "Auditors", "mailEnabled": false, "mailNickname": "auditors", "securityEnabled": true}"#
            ),
            ("report.pdf", "%PDF-1.4"), ("report.ps1", script), ("script.ps1", script), ("deploy.sh", "echo done\n"),
            ("requests.jsonl", "{\"url\": \"/me\"}\n{\"url\": \"/users?$top=1\"}\n"),
        ] {
            try ProtectedFile.replace("\(home)/\(name)", with: Array(text.utf8))
        }
        for folder in ["reports", "scripts", ".zfunc", ".config", ".config/fish", ".config/fish/completions", ".azure"]
        {
            mkdir("\(home)/\(folder)", 0o700)
        }
        try ProtectedFile.replace("\(home)/scripts/one.ps1", with: Array("Get-Mailbox\n".utf8))
        try ProtectedFile.replace("\(home)/reports/june.txt", with: Array("June\n".utf8))
    }
}
