import Glibc
import MMCore
import MMHTTP
import MMIdentity
import MMLegacy
import MMOperations
import MMPool
import MMPowerShell
import MMSystem

/// `mm doctor`: whether everything that `mm` relies on is in order on this machine.
struct MachineDoctor: Sendable {
    /// The user's files, connections and sign-ins.
    let services: OperationServices
    /// Whether to check only this machine and send no request to a service.
    var isOffline = false
    /// When to stop waiting for services.
    var deadline = Deadline.never

    /// Carries out all checks.
    /// - Parameter progress: receives the name of each check before it begins.
    func examine(progress: (String) -> Void) async -> DoctorReport {
        var report = DoctorReport()
        progress("files")
        FileChecks(paths: services.paths).examine(into: &report)
        progress("audit log")
        AuditChecks(of: services.audit).examine(into: &report)
        progress("journal of changes")
        await JournalChecks(of: ChangeJournal(paths: services.paths, seal: services.identity.seal))
            .examine(into: &report)
        progress("confirmations")
        await ConfirmationChecks(of: services.ledger).examine(into: &report)
        progress("connections and sign-ins")
        let connections = await ConnectionChecks(services: services, isOffline: isOffline, deadline: deadline)
            .examine(into: &report)
        if !isOffline {
            progress("network")
            await NetworkChecks(environment: services.environment, paths: services.paths, deadline: deadline)
                .examine(connections, into: &report)
        }
        progress("your own tools")
        ToolChecks(paths: services.paths).examine(into: &report)
        progress("pool")
        await PoolChecks(environment: services.environment).examine(into: &report)
        progress("copies of the audit log")
        OutsideChecks(services: services).examine(into: &report)
        progress("programs")
        await ProgramChecks(environment: services.environment).examine(into: &report)
        progress("walls")
        await examineWalls(into: &report)
        progress("AI clients")
        await ClientChecks(environment: services.environment).examine(into: &report)
        return report
    }

    /// Repairs what can be repaired without asking the person.
    /// - Returns: what was repaired, one line each.
    func repair() -> [String] { FileChecks(paths: services.paths).repair() }

    /// Adds one row for each kind of isolation that has a detailed check of its own.
    private func examineWalls(into report: inout DoctorReport) async {
        for (name, command, found) in [
            ("session confinement", "mm doctor sessions", await SessionsDoctor.examine(services)),
            ("shell confinement", "mm doctor shells", await ShellsDoctor.examine(services.shellServices)),
        ] {
            let failed = found.rows.filter { !$0.isSound }
            guard !failed.isEmpty else {
                report.add(name, .sound, "confined according to the settings")
                continue
            }
            // Sessions and shells report themselves what they lack; a kernel without Landlock is no fault of the setup.
            report.add(
                name, .advice, failed.map { "\($0.name): \($0.detail)" }.joined(separator: " "),
                remedy: "Run \(command) for details.")
        }
    }
}

/// Checks that only the user can change the registry, and read and change tokens, state and logs.
struct FileChecks: Sendable {
    /// The paths of the files.
    let paths: StatePaths

    /// A file or folder whose mode gives others access.
    private struct Open {
        let path: String
        let mode: mode_t
        /// The mode that it should have.
        let wanted: mode_t
    }

    /// Checks modes, owners and free space.
    func examine(into report: inout DoctorReport) {
        // The registry is only read, so it may belong to root: an administrator or a container may have provided it.
        let foreign = places.filter { isForeign($0, admittingRoot: $0 == paths.registry) }
        if !foreign.isEmpty {
            report.add(
                "files", .failed, "not owned by this user: \(foreign.joined(separator: ", "))",
                remedy: ownership(of: foreign))
        }
        let open = found
        if open.isEmpty, foreign.isEmpty {
            report.add("files", .sound, "only this user can change \(paths.registry), and use \(paths.stateDirectory)")
        } else if !open.isEmpty {
            let shown = open.prefix(3).map { "\($0.path) (\(String($0.mode, radix: 8)))" }.joined(separator: ", ")
            report.add(
                "files", .failed,
                "accessible to other users: \(shown)\(open.count > 3 ? " and \(open.count - 3) more" : "")",
                remedy: "mm doctor --fix")
        }
        var space = statvfs()
        guard statvfs(paths.stateDirectory, &space) == 0 || statvfs(paths.home, &space) == 0 else { return }
        if space.f_flag & UInt(ST_RDONLY) != 0 {
            report.add(
                "disk", .failed, "the file system of \(paths.stateDirectory) is read-only",
                remedy: "Mount it as writable, or use a writable folder (MM_STATE_DIR, MM_TOKEN_DIR, MM_LOG_DIR).")
            return
        }
        let free = (UInt64(space.f_bavail) * UInt64(space.f_frsize)) >> 20
        if free < 100 {
            report.add(
                "disk", free < 10 ? .failed : .advice, "\(free) MB are free for \(paths.stateDirectory)",
                remedy: "Free disk space: sign-ins, answers and the audit log are stored there.")
        }
    }

    /// Removes the permissions of others.
    /// - Returns: what was repaired, one line each.
    func repair() -> [String] {
        // The second pass covers the contents of folders that were open to others: they are only examined once their
        // folder is closed.
        repaired(found) + repaired(found)
    }

    private func repaired(_ files: [Open]) -> [String] {
        files.map { file in
            // Links aren't followed, since one may have been put in place of the file meanwhile.
            let descriptor = open(file.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            defer { if descriptor >= 0 { close(descriptor) } }
            guard descriptor >= 0, fchmod(descriptor, file.wanted) == 0 else {
                return "\(file.path) was not changed: \(String(cString: strerror(errno)))."
            }
            return "\(file.path) is now \(String(file.wanted, radix: 8))."
        }
    }

    private var places: [String] {
        [paths.registry, paths.tokenDirectory, paths.stateDirectory, paths.logDirectory]
    }

    private func isForeign(_ path: String, admittingRoot: Bool) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0, status.st_uid != geteuid() else { return false }
        return !admittingRoot || status.st_uid != 0
    }

    /// Returns the remedy for places that belong to another user: none is taken from the user whose home this is, as it
    /// would be for `sudo mm doctor` in that home.
    private func ownership(of foreign: [String]) -> String {
        var home = stat()
        guard stat(paths.home, &home) == 0, home.st_uid != geteuid(), home.st_uid != 0 else {
            return "sudo chown -R \(getuid()) \(foreign.map { ShellWord.quoted($0) }.joined(separator: " "))"
        }
        return "\(paths.home) is the home of user \(home.st_uid): run mm as this user, or set HOME to your own"
    }

    /// The files and folders that give others access. A registry may be readable by others, as it holds no secrets, but
    /// not writable.
    private var found: [Open] {
        let folders = [paths.tokenDirectory, paths.stateDirectory, paths.logDirectory]
        let inner = folders.flatMap { folder in
            ((try? FolderListing.names(in: folder)) ?? []).map { "\(folder)/\($0)" }
        }
        return [check(paths.registry, forbidden: 0o022)].compactMap(\.self)
            + (folders + inner).compactMap { check($0, forbidden: 0o077) }
    }

    private func check(_ path: String, forbidden: mode_t) -> Open? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_uid == geteuid() else { return nil }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFDIR, status.st_mode & forbidden != 0 else { return nil }
        return Open(path: path, mode: status.st_mode & 0o7777, wanted: status.st_mode & 0o7777 & ~forbidden)
    }
}

/// Checks that every definition in the folder of the owner's tools can be used.
struct ToolChecks: Sendable {
    /// The paths of the files.
    let paths: StatePaths

    /// Reads the folder.
    func examine(into report: inout DoctorReport) {
        let contents = ToolShelf.own(paths).contents()
        for problem in contents.problems {
            report.add("tools", .failed, problem.message, remedy: problem.hint)
        }
        guard contents.problems.isEmpty, !contents.definitions.isEmpty else { return }
        report.add("tools", .sound, "\(contents.definitions.count) in \(paths.toolsDirectory)")
    }
}

/// Checks whether the pool runs, and whether it runs this program's version.
struct PoolChecks: Sendable {
    /// The environment that determines which pool is meant.
    let environment: [String: String]

    /// Looks for the pool that commands use, without starting one.
    func examine(into report: inout DoctorReport) async {
        if case .elsewhere(let url)? = try? PoolChoice.of(embedded: false, pool: nil, environment: environment) {
            return await examine(poolAt: url, into: &report)
        }
        let state = await PoolFinder(environment: environment).state()
        guard case .running(let pool) = state else {
            if case .stopped = state {
                do throws(MMError) { try HTTPListener.load() } catch { return report.add("pool", error) }
                return report.add("pool", .sound, "not running; the first call starts it")
            }
            let told = state.json
            let words = [told["state"], told["holder"]].compactMap { $0?.string }.joined(separator: ": ")
            return report.add("pool", .failed, words, remedy: told["hint"]?.string)
        }
        if let answer = try? await pool.client.ask("GET", "/v1/pool"), let cluster = answer.body["cluster"] {
            Self.examine(cluster: cluster, into: &report)
        }
        let handshake = pool.handshake
        let words = Self.words(handshake)
        if handshake.build == .own {
            report.add("pool", .sound, words)
        } else {
            report.add(
                "pool", .advice,
                "\(words), from another build (\(handshake.build.version), this is \(ProductVersion.text))",
                remedy: "mm pool restart")
        }
    }

    /// Asks the pool that the environment names, on this machine or another one.
    private func examine(poolAt url: String, into report: inout DoctorReport) async {
        do throws(MMError) {
            report.add("pool", .sound, try await words(poolAt: try PoolAddress(url: url, environment: environment)))
        } catch {
            report.add("pool", .failed, error.message, remedy: error.hint)
        }
    }

    private func words(poolAt address: PoolAddress) async throws(MMError) -> String {
        let pool = PoolClient(address, environment: environment)
        let handshake: PoolHandshake
        do throws(MMError) { handshake = try await pool.handshake(within: .seconds(10)) } catch {
            guard await SessionPoolClient(pool).answers() else { throw error }
            return "an earlier session pool, at \(address)"
        }
        try handshake.requireSameWire(at: address)
        return "\(Self.words(handshake)), at \(address)"
    }

    private static func words(_ handshake: PoolHandshake) -> String {
        "running since \(handshake.started.localLog), process \(handshake.process.pid)"
    }

    private static func examine(cluster: JSONValue, into report: inout DoctorReport) {
        guard cluster["state"] == "connected" else {
            report.add(
                "cluster", .failed, cluster["note"]?.string ?? "Redis is unreachable",
                remedy: "Check Redis and --cluster.")
            return
        }
        let nodes = (cluster["nodes"]?.array ?? []).count { $0["state"] == "running" }
        let leases = cluster["leases"]?.array?.count ?? 0
        let words =
            "\(nodes) nodes over \(cluster["redis"]?.string ?? "Redis"); this node has \(leases) leases"
        if cluster["persistence"] == "evicted" {
            report.add(
                "redis", .failed,
                "Redis removes keys when its memory is full: two nodes may then hold the same lease, and a repeated call "
                    + "may be carried out twice",
                remedy: "Set maxmemory-policy noeviction in the Redis configuration.")
        } else if cluster["persistence"] == "none" {
            report.add(
                "redis", .advice,
                "Redis does not persist its data: after a restart it forgets which calls were carried out, and a repeated "
                    + "call may be carried out twice",
                remedy: "Set appendonly yes in the Redis configuration.")
        } else if cluster["persistence"] == "snapshots" {
            report.add(
                "redis", .advice,
                "Redis loses data written since its last snapshot when it stops: repeated calls of that time may be "
                    + "carried out twice",
                remedy: "Set appendonly yes in the Redis configuration.")
        }
        if cluster["sharesConfirmations"] == false {
            report.add(
                "cluster", .advice, "\(words); confirmations are not shared between nodes",
                remedy: "Set MM_CLUSTER_KEY_FILE, with the same key on all nodes.")
        } else {
            report.add("cluster", .sound, words)
        }
    }
}

/// Checks that the programs that `mm` starts are installed.
struct ProgramChecks: Sendable {
    /// The environment with the path of PowerShell and the search path.
    let environment: [String: String]

    /// Looks for PowerShell, its modules and the other programs without starting them, and asks systemd for the pool's
    /// unit.
    func examine(into report: inout DoctorReport) async {
        examinePowerShell(into: &report)
        find("jq", for: "--jq", install: "sudo apt-get install jq", into: &report)
        find("ssh", for: "mm ssh", install: "sudo apt-get install openssh-client", into: &report)
        await examineSystemd(into: &report)
    }

    private func examinePowerShell(into report: inout DoctorReport) {
        let location: PowerShellLocation
        do throws(MMError) {
            location = try PowerShellLocator(environment: environment).locate()
        } catch {
            // Graph, Flow and simple Exchange pipelines don't need PowerShell.
            report.add("PowerShell", .advice, error.message, remedy: error.hint)
            return
        }
        report.add("PowerShell", .sound, "\(location); to test it: mm doctor powershell")
        let folders = moduleFolders(besides: location.program)
        var missing: [String] = []
        for profile in ModuleProfiles.all {
            guard case .module(let name, _) = profile.requirement else { continue }
            if !folders.contains(where: { access("\($0)/\(name)", F_OK) == 0 }) {
                missing.append("\(name) (\(profile.name))")
            }
        }
        guard !missing.isEmpty else {
            report.add("PowerShell modules", .sound, "all modules for sessions are installed")
            return
        }
        report.add(
            "PowerShell modules", .advice, "not installed: \(missing.joined(separator: ", "))",
            remedy:
                "To install those that you use: pwsh -NoProfile -Command 'Install-PSResource NAME -Scope CurrentUser'")
    }

    /// Returns the folders in which PowerShell looks for modules (about_PSModulePath).
    private func moduleFolders(besides program: String) -> [String] {
        let home = StatePaths(environment: environment).home
        var folders = (environment["PSModulePath"] ?? "").split(separator: ":").map(String.init)
        folders += ["\(home)/.local/share/powershell/Modules", "/usr/local/share/powershell/Modules"]
        if let path = RealPath.of(program), let slash = path.lastIndex(of: "/") {
            folders.append(path[..<slash] + "/Modules")
        }
        return folders
    }

    private func find(_ program: String, for use: String, install: String, into report: inout DoctorReport) {
        if let path = ExecutableSearch.find(program, in: environment) {
            report.add(program, .sound, path)
        } else {
            report.add(program, .advice, "not installed; needed for \(use)", remedy: install)
        }
    }

    private func examineSystemd(into report: inout DoctorReport) async {
        let units = UserUnits(environment: environment)
        let names = PoolUnits.names(of: PoolPlace(environment: environment))
        guard await units.isManaged() else {
            return report.add("systemd", .sound, "not available to this user; programs start the pool themselves")
        }
        if await units.isActive(names.socket) {
            return report.add("systemd", .sound, "starts the pool (\(names.socket))")
        }
        guard await units.isFailed(names.socket) else {
            return report.add("systemd", .sound, "available; to let it start the pool: mm pool install")
        }
        report.add(
            "systemd", .failed, "gave up starting the pool (\(names.socket)); programs start it themselves",
            remedy: "To see why: journalctl --user -u \(names.service). Then: mm pool install")
    }
}

/// Checks that the AI clients in which `mm-mcp` is installed can start it.
struct ClientChecks: Sendable {
    /// The environment that determines where clients keep their files.
    let environment: [String: String]

    /// Checks the clients' own lists.
    func examine(into report: inout DoctorReport) async {
        let home = StatePaths(environment: environment).home
        var knowing = 0
        for row in await ClientSurvey.rows(environment, project: home) {
            guard let client = row["client"]?.string, let state = row["state"]?.string else { continue }
            if state.hasPrefix("broken") || state.hasPrefix("unreadable") {
                report.add(
                    client, .failed, "\(state) (\(row["file"]?.string ?? ""))",
                    remedy: "mm mcp install \(client) --replace")
            } else if state.hasPrefix("installed") {
                knowing += 1
                report.add(client, .sound, row["runs"]?.string ?? state)
            }
        }
        if knowing == 0 {
            report.add("AI clients", .sound, "none is configured for mm-mcp; to configure one: mm mcp install CLIENT")
        }
    }
}
