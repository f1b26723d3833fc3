import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMSessions

@Suite("Confinement", .timeLimit(.minutes(10)))
struct ConfinementTests {
    static let hasLandlock = Confinement.kernelVersion >= 6

    @Test("hidden files stay hidden in readable folders, and the files beside them don't")
    func hidden() throws {
        let home = try TestHome()
        let root = home.path
        for folder in ["/a/own", "/a/free", "/b"] { try ProtectedFile.makeDirectory(root + folder) }
        symlink(root + "/a/own", root + "/b/link")
        let hidden = [root + "/a/own", "/nonexistent/own"]
        #expect(Confinement.visible([root], without: hidden) == [root + "/a/free", root + "/b"])
        #expect(
            Confinement.visible([root + "/b", root + "/a/own/x", "/usr"], without: hidden) == [root + "/b", "/usr"])
    }

    @Test("a search path has only folders in which something can be read, and those relative to the current one")
    func searchPath() throws {
        let home = try TestHome()
        let root = home.path
        for folder in ["/bin", "/tools", "/one"] { try ProtectedFile.makeDirectory(root + folder) }
        try home.write(root + "/one/program", [])
        symlink("/usr/bin", root + "/link")
        var walls = Confinement()
        walls.readable = [root + "/tools", root + "/one/program"]
        let folders = [
            root + "/bin", "/usr/bin", root + "/tools", root + "/one", root + "/link", "", "relative", "/nonexistent",
        ]
        let command = ChildCommand(
            "/bin/sh", [], environment: ["PATH": folders.joined(separator: ":")], directory: "/")
        let kept = try walls.confine(command).environment["PATH"]
        let wanted = ["/usr/bin", root + "/tools", root + "/one", root + "/link", "", "relative"]
        #expect(kept == wanted.joined(separator: ":"))
    }

    /// A confined program in a folder outside of `/tmp`, or another one, and its output.
    private static func run(
        in place: String = "/var/tmp", _ text: String, _ change: (inout Confinement, String) -> Void
    ) async throws -> String {
        let folder = try TestFolder.make(place + "/mm-walls-")
        defer { system("rm -rf \(folder)") }
        try ProtectedFile.makeDirectory(folder + "/tmp")
        var walls = Confinement()
        walls.writable = [folder]
        change(&walls, folder)
        let command = try walls.confine(
            ChildCommand("/bin/sh", ["-c", text], environment: ["PATH": "/usr/bin:/bin"], directory: folder))
        let ran = try await ChildProcess.run(command, limit: 64 << 10, timeout: .seconds(300))
        return String(decoding: ran.output + ran.error, as: UTF8.self) + "status \(ran.exit.code)"
    }

    @Test(
        "a program has its own /tmp if mounts are possible, otherwise none",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func ownTemporaryFolder() async throws {
        let mark = "mm-walls-\(getpid())-\(RandomBytes.text(bytes: 6))"
        let answer = try await Self.run("echo in > /tmp/\(mark) && cat tmp/\(mark); ls /tmp | wc -l") { walls, folder in
            walls.attributes = .byMounts
            walls.bind(folder + "/tmp", at: "/tmp", for: "/bin/sh")
        }
        let mayMount = system("unshare -m true 2>/dev/null || unshare -Um true 2>/dev/null") == 0
        #expect(mayMount ? answer == "in\n1\nstatus 0" : answer.contains("denied"), "\(answer)")
        #expect(access("/tmp/" + mark, F_OK) != 0)
    }

    @Test(
        "a program whose session keeps its own folder below /tmp also has its own /tmp, and can't write to that folder",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func ownTemporaryFolderAround() async throws {
        let mark = "mm-walls-\(getpid())-\(RandomBytes.text(bytes: 6))"
        let text = "F=$PWD; echo in > /tmp/\(mark) && cat text $F/tmp/\(mark); echo x > text; ls /tmp | wc -l"
        let answer = try await Self.run(in: "/tmp", text) { walls, folder in
            system("echo kept > \(folder)/text")
            walls.attributes = .byMounts
            walls.ownFolder = folder
            walls.writable = [folder + "/tmp"]
            walls.bind(folder + "/tmp", at: "/tmp", for: "/bin/sh")
        }
        let mayMount = system("unshare -m true 2>/dev/null || unshare -Um true 2>/dev/null") == 0
        #expect(answer.hasPrefix("kept\nin\n2\n") == mayMount, "\(answer)")
        #expect(answer.contains(mayMount ? "Read-only" : "denied"), "\(answer)")
        #expect(access("/tmp/" + mark, F_OK) != 0)
    }

    @Test(
        "processes that a supervised program leaves end with it, even in another session, and its status is passed on",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"), arguments: ["exit 5", "kill -9 $$"])
    func led(end: String) async throws {
        let mark = "1000.\(UInt32.random(in: 100_000...999_999))"
        let answer = try await Self.run(
            "setsid sh -c 'echo $$ > orphan; exec sleep \(mark)' & while ! test -s orphan; do sleep 0.01; done; cat orphan; \(end)"
        ) { walls, _ in walls.hasSupervisor = true }
        let lines = answer.split(separator: "\n")
        _ = try #require(lines.first.flatMap { Int32($0) }, "\(answer)")
        #expect(answer.hasSuffix(end == "exit 5" ? "status 5" : "status 137"), "\(answer)")
        #expect(Self.bearing(mark).isEmpty)
    }

    /// The processes with this word in their arguments: in their own namespace they have other numbers.
    private static func bearing(_ word: String) -> [Int32] {
        ProcFile.numericNames(in: "/proc").filter { process in
            let line = ProcFile.read("/proc/\(process)/cmdline", limit: 4096) ?? []
            return line.split(separator: 0).contains { $0.elementsEqual(word.utf8) }
                && ProcessEntry(process)?.isDead == false
        }
    }

    @Test(
        "a program doesn't begin if the launcher doesn't know one of the words, whose wall would be missing",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"),
        arguments: ["unix", "unix=0", "own=everything", "attributes=1", "wr=/tmp"])
    func unknownWord(word: String) async throws {
        let bare = ChildCommand("/bin/echo", ["begun"], environment: ["PATH": "/usr/bin:/bin"], directory: "/")
        var confined = try Confinement().confine(bare)
        confined.arguments.insert(word, at: 0)
        let ran = try await ChildProcess.run(confined, limit: 64 << 10, timeout: .seconds(300))
        #expect(ran.exit.code == 126)
        #expect(ran.output.isEmpty)
        #expect(String(decoding: ran.error, as: UTF8.self) == "mm-confine: \(word): Invalid argument\n")
    }

    @Test(
        "processes of a supervised program end if its starter is killed",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func starterKilled() async throws {
        let folder = try TestFolder.make("/var/tmp/mm-walls-")
        defer { system("rm -rf \(folder)") }
        var walls = Confinement()
        walls.writable = [folder]
        walls.hasSupervisor = true
        let mark = "1000.\(UInt32.random(in: 100_000...999_999))"
        let text = "setsid sh -c 'exec sleep \(mark)' & exec sleep \(mark)"
        let bare = ChildCommand("/bin/sh", ["-c", text], environment: ["PATH": "/usr/bin:/bin"], directory: folder)
        let confined = try walls.confine(bare)
        // A shell replaces this program with it.
        let words = confined.arguments.map { $0.hasPrefix("lead=") ? "lead=$$" : ShellWord.quoted($0) }
        let script =
            "(exec -a \(try #require(confined.name)) \(ShellWord.quoted(confined.executable)) \(words.joined(separator: " "))) & "
            + "wait"
        var shell = ChildCommand(
            "/bin/bash", ["-c", script], environment: ["PATH": "/usr/bin:/bin"], directory: folder)
        shell.endsGroup = false
        let starter = try await ChildProcess.start(shell)
        let deadline = Deadline.after(.seconds(300))
        while Self.bearing(mark).count < 2 {
            try #require(!deadline.hasPassed, "the program did not begin")
            try await Task.sleep(for: .milliseconds(5))
        }
        starter.signal(SIGKILL)
        _ = await starter.exit()
        while !Self.bearing(mark).isEmpty {
            try #require(!deadline.hasPassed, "a process is left")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
