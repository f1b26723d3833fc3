import Glibc
import MMCore
import MMOperations

/// Whether nobody else can read or change the user's registry, tokens, state and logs.
struct FileChecks: Sendable {
    /// Where the files lie.
    let paths: StatePaths

    /// A file or folder whose mode lets others in.
    private struct Open {
        let path: String
        let mode: mode_t
        /// The mode that it has to have.
        let wanted: mode_t
    }

    /// Looks at modes, owners and free space.
    func examine(into report: inout DoctorReport) {
        // A registry is only read: an administrator, or a container's, may have put it there.
        let foreign = places.filter { isForeign($0, admittingRoot: $0 == paths.registry) }
        if !foreign.isEmpty {
            report.add(
                "files", .failed, "not this user's: \(foreign.joined(separator: ", "))",
                remedy: "sudo chown -R \(getuid()) \(foreign.map { ShellWord.quoted($0) }.joined(separator: " "))")
        }
        let open = found
        if open.isEmpty, foreign.isEmpty {
            report.add("files", .sound, "only this user reads \(paths.registry) and \(paths.stateDirectory)")
        } else if !open.isEmpty {
            let shown = open.prefix(3).map { "\($0.path) (\(String($0.mode, radix: 8)))" }.joined(separator: ", ")
            report.add(
                "files", .failed, "open to others: \(shown)\(open.count > 3 ? " and \(open.count - 3) more" : "")",
                remedy: "mm doctor --fix")
        }
        var space = statvfs()
        guard statvfs(paths.stateDirectory, &space) == 0 || statvfs(paths.home, &space) == 0 else { return }
        let free = (UInt64(space.f_bavail) * UInt64(space.f_frsize)) >> 20
        if free < 100 {
            report.add(
                "disk", free < 10 ? .failed : .advice, "\(free) MB are free for \(paths.stateDirectory)",
                remedy: "Make room: sign-ins, answers and the audit are stored there.")
        }
    }

    /// Takes the permissions of others away.
    /// - Returns: what was done, a line each.
    func repair() -> [String] {
        // What lies in a folder that was open to others is only looked at once it no longer is.
        repaired(found) + repaired(found)
    }

    private func repaired(_ files: [Open]) -> [String] {
        files.map { file in
            // Never through a link, which may have been put there since.
            let descriptor = open(file.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            defer { if descriptor >= 0 { close(descriptor) } }
            guard descriptor >= 0, fchmod(descriptor, file.wanted) == 0 else {
                return "\(file.path) stays as it is: \(String(cString: strerror(errno)))."
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

    /// What lets others in. A registry may be read by others, as it holds no secrets; nobody else may write it.
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
