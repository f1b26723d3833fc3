import Glibc
package import MMCore

/// Checks whether the audit log is intact, and whether the next line can be written.
package struct AuditChecks: Sendable {
    private let audit: AuditLog

    /// Creates the checks of a log.
    package init(of audit: AuditLog) { self.audit = audit }

    /// Reads the whole chain, and checks whether its files can be written.
    package func examine(into report: inout DoctorReport) {
        let remedy = "Run mm audit verify to see the line, and compare the log with a copy."
        for path in [audit.path, audit.path + ".head", audit.path + ".lock"] {
            guard let reason = Self.fault(of: path) else { continue }
            report.add(
                "audit log", .failed, "\(path) can't be written: \(reason)",
                remedy:
                    "Calls are not recorded until it can be written. Move away what is in its place, or give the file to "
                    + "\(ThisProcess.login).")
            return
        }
        do throws(MMError) {
            let found = try audit.verify()
            if let broken = found.broken {
                let place = "line \(broken.line)" + (broken.file.map { " of \($0)" } ?? "")
                report.add("audit log", .failed, "\(audit.path), \(place): \(broken.reason)", remedy: remedy)
                return
            }
            let lines = found.entries.counted("line")
            let files = found.fullFiles == 0 ? "" : " in \(found.fullFiles + 1) files"
            let torn =
                found.tornLines == 0
                ? "" : "; \(found.tornLines) more cut short by a crash or a full disk"
            guard found.lostHeads.isEmpty else {
                let numbers = found.lostHeads.prefix(5).map(String.init).joined(separator: ", ")
                report.add(
                    "audit log", .advice,
                    "\(lines)\(files), unbroken\(torn); the .head file was missing before line \(numbers), so lines may have "
                        + "been cut off there",
                    remedy: "Compare it with a copy of the log.")
                return
            }
            report.add("audit log", torn.isEmpty ? .sound : .advice, "\(lines)\(files), whole\(torn)")
        } catch {
            report.add("audit log", error)
        }
    }

    /// Returns the reason why a file can't be written; `nil` where it can be written or created.
    private static func fault(of path: String) -> String? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { return String(cString: strerror(errno)) }
            let folder = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
            // A missing folder is created with the first line.
            guard lstat(folder, &status) == 0 else { return nil }
            return access(folder, W_OK | X_OK) == 0 ? nil : String(cString: strerror(errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return "it is not a file" }
        return access(path, W_OK) == 0 ? nil : String(cString: strerror(errno))
    }
}
