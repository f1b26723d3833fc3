import Glibc
import MMCore

/// The confinement of shells that no person opened at a terminal, where the owner has said nothing of it: which folder is
/// their workspace, and what is said where they can't be confined.
enum DefaultWorkspace {
    /// The folder that is made where nothing else offers itself.
    static func path(_ services: ShellServices) -> String { services.paths.home + "/m365-workspace" }

    /// Whether a folder can be a workspace without being named: one below the home folder in which neither settings nor
    /// mm's own files lie.
    static func admits(_ folder: String, _ services: ShellServices) -> Bool {
        guard let real = resolved(folder), let home = resolved(services.paths.home), real.hasPrefix(home + "/"),
            !real.dropFirst(home.count).split(separator: "/").contains(where: { $0.hasPrefix(".") })
        else { return false }
        return ShellOpening.ownFiles(services).allSatisfy { own in
            let own = resolved(own) ?? own
            return own != real && !own.hasPrefix(real + "/") && !real.hasPrefix(own + "/")
        }
    }

    /// Makes the folder where it isn't there.
    /// - Throws: `forbidden` when something else has its name.
    static func make(_ services: ShellServices) throws(MMError) {
        let path = path(services)
        var info = stat()
        if mkdir(path, 0o700) == 0 { return }
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid() else {
            throw MMError(
                .forbidden, "\(path), the workspace of confined shells, can't be created or isn't a folder of yours.",
                hint: "Make it a folder, or name another one as `directory` in \(settings(services)).")
        }
    }

    /// What the first answer adds to what the confinement is worth.
    static func note(_ services: ShellServices) -> String {
        "This is how shells are confined that no person opened at a terminal; in \(settings(services)) their owner names "
            + "another folder (`directory`), more to read (`readable`), the network (`network`, `hosts`), or says "
            + "`\"sandbox\": \"guard\"` for shells without walls."
    }

    /// The error where the machine can't confine them: they are not started without walls unless their owner says so.
    static func refusal(_ error: MMError, _ services: ShellServices) -> MMError {
        MMError(
            error.code,
            "Shells that no person opened at a terminal are confined, which this machine can't do: \(error.message)",
            hint: "Use Linux 6.12 or later; or the owner installs bubblewrap and sets `\"sandbox\": \"isolated\"` in "
                + "\(settings(services)), or `\"sandbox\": \"guard\"` there: then such shells reach every file of the user. "
                + "`mm doctor shells` says what this machine can do.",
            details: error.details, cause: error.cause)
    }

    private static func settings(_ services: ShellServices) -> String {
        ShellsConfiguration.path(services.environment, home: services.paths.home)
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
