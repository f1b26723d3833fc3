import Glibc
import MMCore
import MMOperations
import MMPowerShell
import MMSystem

/// What a pool's process is started among.
extension ProcessSites {
    /// The environment of a connection's pool.
    func environment(of connection: String) -> [String: String] {
        let home = place.home(connection)
        var environment = self.environment.filter { name, _ in
            !["MM_CONNECTIONS", "MM_TOKEN_DIR", "MM_STATE_DIR", "MM_LOG_DIR", "XDG_RUNTIME_DIR", "MM_SESSION"].contains(
                name)
        }
        environment["HOME"] = home
        environment["XDG_RUNTIME_DIR"] = place.run(connection)
        environment["TMPDIR"] = home + "/tmp"
        environment["M365_CONNECTION"] = connection
        // Its home is its own; the modules are those that the owner has installed.
        environment["PSModulePath"] = HostSettings.modulePaths(self.environment).joined(separator: ":")
        return environment.merging(caps.environment) { own, _ in own }
    }

    /// Where the owner's programs have their sockets: those of `mm`, of the session bus, of agents that hold keys.
    var runtimeFolder: String {
        guard let folder = environment["XDG_RUNTIME_DIR"], folder.hasPrefix("/"),
            !(paths.home + "/").hasPrefix(folder + "/")
        else { return paths.runtimeDirectory }
        return folder
    }

    /// Where the owner's modules lie, as far as they are there.
    var moduleFolders: [String] {
        HostSettings.modulePaths(environment).filter { (path: String) in access(path, F_OK) == 0 }
    }

    /// Where PowerShell lies, or what stands in for it on the sandbox tenant, when that is not among the system's folders.
    func powerShellFolders(onSandbox isOnSandbox: Bool) -> [String] {
        let programs = [
            try? PowerShellLocator(environment: environment).locate().program,
            isOnSandbox ? try? OwnProgram.sandbox(environment) : nil,
        ]
        return programs.compactMap(\.self).flatMap { (program: String) in
            var real = [CChar](repeating: 0, count: Int(PATH_MAX))
            return [program, realpath(program, &real).map { String(cString: $0) } ?? program]
        }.compactMap(Self.folder)
    }

    /// The folder of a program; `nil` for the root.
    private static func folder(of program: String) -> String? {
        program.lastIndex(of: "/").flatMap { $0 == program.startIndex ? nil : String(program[..<$0]) }
    }

    /// Has a pool's log show where people look for logs.
    func linkLog(of connection: String) {
        let (file, link) = place.log(connection)
        try? ProtectedFile.makeDirectory(paths.logDirectory)
        var status = stat()
        if lstat(link, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFLNK else { return }
            unlink(link)
        }
        symlink(file, link)
    }
}
