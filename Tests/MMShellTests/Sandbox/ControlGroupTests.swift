import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMShell

@Suite("Limits for a whole session", .timeLimit(.minutes(10)))
struct ControlGroupTests {
    static func with(_ controllers: String, enabled: String, _ body: (String) async throws -> Void) async throws {
        let own = try TestFolder.make("/tmp/mm-group-")
        defer { TestFolder.remove(own) }
        try await TestSSHD.put(controllers, own + "/cgroup.controllers")
        try await TestSSHD.put(enabled, own + "/cgroup.subtree_control")
        try await body(own)
    }

    @Test("are written to the kernel's files")
    func files() async throws {
        try await Self.with("cpu memory pids\n", enabled: "memory pids cpu\n") { (own) async throws in
            let group = try ControlGroup.make(
                TreeLimits(memory: 64 << 20, processes: 20, processors: 0.5), own: own)
            #expect(group.path.hasPrefix(own + "/mm-"))
            func content(_ name: String) async throws -> String {
                try await ChildOutput.of("cat", ["\(group.path)/\(name)"])
            }
            #expect(try await content("memory.max") == "67108864")
            #expect(try await content("pids.max") == "20")
            #expect(try await content("cpu.max") == "50000 100000")
            try group.add(12345)
            #expect(try await content("cgroup.procs") == "12345")
        }
    }

    @Test("are refused with the reason if they aren't available")
    func refusals() async throws {
        try await Self.with("pids\n", enabled: "pids\n") { (own) async throws in
            let error = #expect(throws: MMError.self) { try ControlGroup.make(TreeLimits(memory: 64 << 20), own: own) }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains("memory") == true)
            #expect(throws: MMError.self) { try ControlGroup.make(TreeLimits(), own: own) }
            #expect(throws: MMError.self) { try ControlGroup.make(TreeLimits(processes: 1), own: own) }
            #expect(throws: MMError.self) { try ControlGroup.make(TreeLimits(processes: 9), own: own + "/nothing") }
        }
    }

    @Test("are removed with the groups that a pool in them has made for its sessions")
    func nested() throws {
        let own = try TestFolder.make("/tmp/mm-group-")
        defer { TestFolder.remove(own) }
        for name in ["pool", "pool/mm-main", "pool/mm-1-2-ab", "pool/mm-1-2-ab/deeper"] {
            try #require(mkdir("\(own)/\(name)", 0o755) == 0)
        }
        #expect(ControlGroup.remove(own + "/pool"))
        #expect(access(own + "/pool", F_OK) != 0)
    }

    @Test("leave no group of a process that was killed, and all of others")
    func leftovers() throws {
        let own = try TestFolder.make("/tmp/mm-group-")
        defer { TestFolder.remove(own) }
        let running = try #require(ProcessIdentity(running: getpid()))
        let kept = ["mm-\(running.pid)-\(running.startTime)-ab", "mm-main", "mm-ab", "other-1-2-ab"]
        let left = ["mm-\(running.pid)-\(running.startTime + 1)-ab", "mm-4000000-77-ab", "mm-4000000-77-ab/mm-main"]
        for name in kept + left { try #require(mkdir("\(own)/\(name)", 0o755) == 0) }
        ControlGroup.removeLeftovers(in: own)
        #expect(kept.allSatisfy { access("\(own)/\($0)", F_OK) == 0 })
        #expect(left.allSatisfy { access("\(own)/\($0)", F_OK) != 0 })
    }

    static let isDelegated: Bool = {
        guard let group = try? ControlGroup.make(TreeLimits(memory: 256 << 20, processes: 30)) else { return false }
        group.end()
        return true
    }()

    @Test("apply to all processes of a session", .enabled(if: isDelegated, "no control group is delegated here"))
    func held() async throws {
        var settings = Shells.settings()
        settings.treeLimits = TreeLimits(memory: 256 << 20, processes: 30)
        try await Shells.with(settings: settings) { (shell) async throws in
            #expect(try await shell.sh("cat /proc/self/cgroup").out.contains("/mm-"))
            let many = try await shell.sh(
                "for i in 1 2 3 4 5 6 7 8 9; do (sleep 1; sleep 1; sleep 1; sleep 1) & done; "
                    + "for i in $(seq 60); do sleep 30 & done; echo done")
            #expect(many.err.contains("fork") || many.err.contains("Resource"))
            #expect(try await shell.sh("head -c 600000000 /dev/zero | tail -c 500000000 | wc -c").out != "500000000\n")
        }
    }

    @Test(
        "are omitted only if that is allowed, with a message",
        .enabled(if: !isDelegated, "a control group is delegated"))
    func bestEffort() async throws {
        var settings = Shells.settings()
        settings.treeLimits = TreeLimits(memory: 256 << 20)
        await #expect(throws: MMError.self) { try await LocalShell.start(settings) }
        settings.treeLimits?.isBestEffort = true
        try await Shells.with(settings: settings) { (shell) async throws in
            #expect(await shell.limitsProblem?.contains("can't be set:") == true)
            #expect(try await shell.sh("echo runs").out == "runs\n")
        }
    }
}
