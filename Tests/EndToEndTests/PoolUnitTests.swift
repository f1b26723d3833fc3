import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@Suite("The pool as a service of systemd", .timeLimit(.minutes(5)))
struct PoolUnitTests {
    /// Writes the units of a home, as `mm pool install` does.
    /// - Returns: the folder with them.
    private func install(_ home: TemporaryHome) async throws -> String {
        var environment = home.environment
        // Keep the user's own systemd out of this.
        environment["PATH"] = "/nowhere"
        let ran = try await Tenant.run(Programs.mm, ["pool", "install"], environment)
        #expect(ran.code == 0, "\(ran.error)")
        return home.path + "/.config/systemd/user"
    }

    private func isHere(_ program: String) -> Bool {
        if access(program, X_OK) == 0 { return true }
        print("skipped: there is no \(program) (apt-get install systemd)")
        return false
    }

    @Test("systemd accepts the units")
    func verified() async throws {
        let program = "/usr/bin/systemd-analyze"
        guard isHere(program) else { return }
        let home = try TemporaryHome()
        let folder = try await install(home)
        let units = ["mm-pool.socket", "mm-pool.service"].map { "\(folder)/\($0)" }
        let ran = try await Tenant.run(program, ["verify", "--user"] + units, home.environment)
        guard !ran.error.contains("Failed to initialize manager") else {
            return print("skipped: systemd-analyze verifies nothing here: \(ran.error)")
        }
        #expect(!ran.error.contains("mm-pool"), "\(ran.error)")
    }

    /// A program that waits for a connection at the socket of a home's unit, as systemd does, and then becomes the
    /// pool.
    private func startActivator(
        _ home: TemporaryHome, program: String = Programs.mm, variables: [String: String] = [:]
    ) async throws -> ChildProcess {
        let unit = try #require(try ProtectedFile.read(try await install(home) + "/mm-pool.socket"))
        let line = String(decoding: unit, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("ListenStream=") }
        #expect(line == "ListenStream=\(home.path)/mm/pool.sock")
        try ProtectedFile.makeDirectory(home.path + "/mm")
        let environment = home.environment.merging(variables) { _, given in given }
        let kept = environment.sorted { $0.key < $1.key }.flatMap { ["-E", "\($0.key)=\($0.value)"] }
        var command = ChildCommand(
            Self.activation, ["-l", home.path + "/mm/pool.sock"] + kept + [program, "pool", "serve", "--quiet"],
            environment: home.environment)
        command.output = .null
        let activator = try await ChildProcess.start(command)
        var said: [UInt8] = []
        while !String(decoding: said, as: UTF8.self).contains("Listening on"),
            let piece = try await activator.error?.read()
        {
            said += piece
        }
        return activator
    }

    private static let activation = "/usr/bin/systemd-socket-activate"

    @Test("a connection to the socket starts the pool, which serves it")
    func activated() async throws {
        guard isHere(Self.activation) else { return }
        let home = try TemporaryHome()
        let activator = try await startActivator(home)
        defer { activator.signalGroup(SIGKILL) }
        let ran = try await Tenant.run(Programs.mm, ["shell", "run", "echo $((6 * 7))"], home.environment)
        #expect(ran.output == "42\n", "\(ran.error)")
        let pool = try #require(home.pools.first)
        #expect(pool.pid == activator.pid)
        let status = try await Tenant.run(Programs.mm, ["pool", "status", "--json"], home.environment)
        #expect(status.json?["socket"]?.string == home.path + "/mm/pool.sock")
        #expect(try await Tenant.run(Programs.mm, ["pool", "stop"], home.environment).code == 0)
        #expect(await activator.exit() == .status(0))
        // The socket belongs to systemd: the next connection starts another pool.
        #expect(access(home.path + "/mm/pool.sock", F_OK) == 0)
    }

    @Test("a pool that a connection has started ends when it isn't used, as the next connection starts another one")
    func idle() async throws {
        guard isHere(Self.activation) else { return }
        let home = try TemporaryHome()
        let activator = try await startActivator(home, variables: ["MM_POOL_IDLE": "0.5"])
        defer { activator.signalGroup(SIGKILL) }
        _ = try await Tenant.run(Programs.mm, ["pool", "status"], home.environment)
        #expect(await activator.exit() == .status(0))
        #expect(access(home.path + "/mm/pool.sock", F_OK) == 0)
    }

    @Test("a pool that a connection has started ends when its program was replaced, which no caller can ask it for")
    func updated() async throws {
        guard isHere(Self.activation) else { return }
        let home = try TemporaryHome()
        let folder = try TestFolder.make("/tmp/mm-update-")
        defer { TestFolder.remove(folder) }
        let program = folder + "/mm"
        #expect(try await Tenant.run("/usr/bin/cp", [Programs.mm, program], [:]).code == 0)
        let activator = try await startActivator(home, program: program)
        defer { activator.signalGroup(SIGKILL) }
        #expect(try await Tenant.run(Programs.mm, ["pool", "status"], home.environment).code == 0)
        #expect(home.pools.map(\.pid) == [activator.pid])
        #expect(try await Tenant.run("/usr/bin/touch", ["-d", "2040-01-01", program], [:]).code == 0)
        #expect(await activator.exit() == .status(0))
        #expect(access(home.path + "/mm/pool.sock", F_OK) == 0)
    }

    /// A home in which systemd runs, as far as `mm` can tell, and its environment. What systemd is told is in the file
    /// `systemctl.calls`.
    private func managed() throws -> (home: TemporaryHome, environment: [String: String]) {
        let home = try TemporaryHome()
        let program = home.path + "/bin/systemctl"
        let text = "#!/bin/sh\necho \"$*\" >> \"$HOME/systemctl.calls\"\n[ \"$2\" != is-active ]\n"
        try ProtectedFile.replace(program, with: Array(text.utf8), mode: 0o700)
        var environment = home.environment
        environment["PATH"] = "\(home.path)/bin:/usr/bin:/bin"
        return (home, environment)
    }

    private func enables(_ home: TemporaryHome) throws -> Bool {
        let calls = try ProtectedFile.read(home.path + "/systemctl.calls") ?? []
        return String(decoding: calls, as: UTF8.self).contains("enable --now mm-pool.socket")
    }

    @Test("a pool that a program has started makes way for systemd's socket")
    func installedOverRunningPool() async throws {
        let (home, environment) = try managed()
        #expect(try await Tenant.run(Programs.mm, ["shell", "run", "echo 1"], environment).code == 0)
        let pool = try #require(home.pools.first)
        let ran = try await Tenant.run(Programs.mm, ["pool", "install"], environment)
        #expect(try ran.code == 0 && enables(home), "\(ran.error)")
        #expect(home.pools.isEmpty)
        try await waitUntil { !pool.isRunning }
    }

    @Test("a pool that can't make way stops systemd's socket from being enabled, and is named")
    func installedOverForeignPool() async throws {
        let (home, environment) = try managed()
        var command = ChildCommand(Programs.mm, ["pool", "serve", "--quiet"], environment: environment)
        command.output = .null
        command.error = .null
        let pool = try await ChildProcess.start(command)
        defer { pool.signalGroup(SIGKILL) }
        try await waitUntil { !home.pools.isEmpty }
        let ran = try await Tenant.run(Programs.mm, ["pool", "install"], environment)
        #expect(ran.code != 0 && ran.error.contains("process \(pool.pid)") && ran.error.contains("mm pool stop"))
        #expect(try !enables(home))
        #expect(home.pools.map(\.pid) == [pool.pid])
        // Once something else listens at its socket, clients can't find it any more, and can't start another one.
        #expect(unlink(home.path + "/mm/pool.sock") == 0)
        #expect(await pool.exit() == .status(0))
        #expect(try await Tenant.run(Programs.mm, ["shell", "run", "echo 1"], environment).output == "1\n")
    }
}
