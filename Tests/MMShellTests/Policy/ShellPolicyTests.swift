import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMShell

@Suite("The security file", .timeLimit(.minutes(10)))
struct ShellPolicyTests {
    static let usual = """
        security:
          enabled: true
          allowed_executables: [ls, pwd, git, python3, echo, cat, cd, find]
          blocked_patterns:
            - 'rm\\s+.*-rf.*'
            - 'sudo\\s+.*'
            - 'chmod\\s+(777|666)'
          max_execution_time: 30
          max_output_size: 1048576  # 1MB
          working_directory: /tmp
          audit_log: true
        """

    static func policy(_ text: String = usual) throws -> ShellPolicy { try ShellPolicy(yaml: Array(text.utf8)) }

    @Test("is read with its meaning")
    func read() throws {
        let policy = try Self.policy()
        #expect(policy.isEnabled)
        #expect(policy.allowedExecutables?.count == 8)
        #expect(policy.blockedPatterns == ["rm\\s+.*-rf.*", "sudo\\s+.*", "chmod\\s+(777|666)"])
        #expect(policy.maximumTime == .seconds(30))
        #expect(policy.maximumOutput == 1_048_576)
        #expect(policy.workingDirectory == "/tmp")
        #expect(policy.audit == .standard)
        #expect(policy.deadline(.after(.seconds(300))).remaining <= .seconds(30))
        #expect(policy.deadline(.after(.seconds(1))).remaining <= .seconds(1))
    }

    @Test(
        "an invalid one lets nothing run",
        arguments: [
            "", "x: 1", "security: 3", "security:\n  enabled: maybe", "security:\n  enabled: 'true'",
            "security:\n  allowed_executables: ls", "security:\n  allowed_executables: [[ls]]",
            "security:\n  blocked_patterns: ['(']", "security:\n  max_execution_time: soon",
            "security:\n  max_output_size: -1", "security:\n  working_directory: here", "security:\n  audit_log: [1]",
            "security:\n  allowed: [ls]", "security:\n  enabled: true\n  enabled: false",
            "security: &a {enabled: true}",
            "security: {enabled: *a}", "security: {enabled: !!bool true}", "security:\n\tenabled: true", "a: [", "- a",
            "security: {}\n---\nsecurity: {}",
        ])
    func wrong(text: String) {
        #expect(throws: MMError.self) { try Self.policy(text) }
    }

    @Test("is off unless it is enabled")
    func off() throws {
        #expect(throws: Never.self) {
            try Self.policy("security:\n  allowed_executables: [ls]").check("rm -rf /", directory: "/")
        }
        #expect(throws: Never.self) { try ShellPolicy.open.check("anything $(at all)", directory: "/") }
    }

    @Test("takes an empty allow list for none, and keeps to the patterns")
    func emptyList() throws {
        let policy = try Self.policy("security: {enabled: true, allowed_executables: [], blocked_patterns: ['^rm']}")
        #expect(throws: Never.self) { try policy.check("make all", directory: "/") }
        #expect(throws: MMError.self) { try policy.check("rm x", directory: "/") }
    }

    @Test(
        "allows listed commands",
        arguments: [
            "ls", "ls -la /tmp | cat", "pwd && git status || echo 'no; rm'", "echo a > x.txt", "echo a >/tmp/y 2>&1",
            "cat <in >/dev/null", "ls *.txt", "cd /usr; ls", "find . -name '*.c'", "echo \"semi;colon && x\"",
        ])
    func allowed(text: String) throws {
        #expect(throws: Never.self) { try Self.policy().check(text, directory: "/tmp") }
    }

    @Test(
        "denies others in any spelling",
        arguments: [
            "rm -rf /", "ls; rm x", "ls && id", "ls | sh", "ls\nid", "$(id)", "ls `id`", "ls $(id)", "\"r\"m x",
            "r\\m x",
            "'rm' x", "/bin/ls", "./ls", "../bin/ls", "env ls", "nice ls", "timeout 1 ls", "xargs ls", "sudo ls",
            "nohup ls",
            "busybox ls", "command ls", "builtin cd", "exec ls", "eval ls", ". ./x", "source x", "alias ls=rm",
            "hash -p /bin/rm ls",
            "export PATH=/tmp", "PATH=/tmp ls", "set -x", "trap ls EXIT", "enable -n cd", "unset PATH", "ls & id",
            "(ls)", "{ ls; }",
            "ls <(id)", "ls <<X\nX", "l{s,x}", "l? x", "ls() { id; }; ls", "if ls; then id; fi", "! ls", "ls\u{A0};id",
            "ls\r",
            "find . -exec id ';'", "find . -delete", "echo x >/etc/passwd", "echo x > ../etc/x", "cd /etc; echo x > y",
            "echo x >> /tmp/../etc/x", "ls 2>/etc/x", "echo sudo ls", "echo 'chmod' 777", "git status > /proc/self/mem",
            "\"\" ls",
        ])
    func denied(text: String) throws {
        let policy = try Self.policy()
        do throws(MMError) {
            try policy.check(text, directory: "/tmp")
            Issue.record("allowed: \(text)")
        } catch {
            #expect(error.code == .denied)
            #expect(error.message.hasPrefix("Security validation failed: "))
            #expect(error.details["rule"] != nil)
        }
    }

    @Test("follows links before it allows output to be written")
    func links() throws {
        let root = try TestFolder.make("/tmp/mm-policy-")
        defer {
            unlink(root + "/out")
            unlink(root + "/dir")
            rmdir(root)
        }
        symlink("/etc/hosts", root + "/out")
        symlink("/etc", root + "/dir")
        let policy = try Self.policy(
            "security: {enabled: true, allowed_executables: [echo], working_directory: \(root)}")
        #expect(throws: MMError.self) { try policy.check("echo x > out", directory: root) }
        #expect(throws: MMError.self) { try policy.check("echo x > dir/new", directory: root) }
        #expect(throws: Never.self) { try policy.check("echo x > new", directory: root) }
    }

    @Test("caches verdicts on texts, only under the same settings, and never on the targets of output")
    func admissions() throws {
        let policy = try Self.policy()
        func command(_ text: String, judged admission: ShellPolicy.Admission) -> ShellCommand {
            var command = ShellCommand(text)
            command.admission = admission
            return command
        }
        let listing = try policy.check("ls", directory: "/")
        #expect(throws: Never.self) { try policy.check(command("ls", judged: listing), directory: "/") }
        #expect(throws: MMError.self) { try policy.check(command("rm x", judged: listing), directory: "/") }
        let free = try ShellPolicy.open.check("rm x", directory: "/")
        #expect(throws: MMError.self) { try policy.check(command("rm x", judged: free), directory: "/") }
        let narrower = try Self.policy("security: {enabled: true, allowed_executables: [pwd]}")
        #expect(throws: MMError.self) { try narrower.check(command("ls", judged: listing), directory: "/") }
        let writing = try policy.check("ls > out", directory: "/tmp")
        #expect(throws: Never.self) { try policy.check(command("ls > out", judged: writing), directory: "/tmp") }
        #expect(throws: MMError.self) { try policy.check(command("ls > out", judged: writing), directory: "/etc") }
    }

    @Test("denies if a pattern can't be decided in time")
    func limits() throws {
        let policy = try Self.policy("security: {enabled: true, blocked_patterns: ['^(([a-z])+.)+[A-Z]([a-z])+$']}")
        let begun = ContinuousClock.now
        #expect(throws: MMError.self) { try policy.check(String(repeating: "a", count: 5000), directory: "/") }
        #expect(ContinuousClock.now - begun < .seconds(120))
    }

    @Test("applies to sessions: the programs, the time, the amount of output")
    func session() async throws {
        var settings = Shells.settings()
        settings.policy = try Self.policy(
            "security: {enabled: true, allowed_executables: [cat, echo, sleep, head], max_output_size: 10}"
        )
        try await Shells.with(settings: settings) { (shell) async throws in
            await #expect(throws: MMError.self) { try await shell.sh("id") }
            #expect(try await shell.sh("echo fine").out == "fine\n")
            let much = try await shell.sh("head -c 5000 /dev/zero")
            #expect(much.stdout.head.count + much.stdout.tail.count == 10)
            #expect(much.stdout.total == 5000)
        }
        settings.policy = try Self.policy(
            "security: {enabled: true, allowed_executables: [sleep], max_execution_time: 0.5}")
        try await Shells.with(settings: settings) { (shell) async throws in
            #expect(try await shell.sh("sleep 300").end.cause == .deadline)
        }
    }
}
