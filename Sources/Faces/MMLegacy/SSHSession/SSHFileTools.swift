import MMCore
import MMOperations
import MMShell

/// The tools for files on a host.
enum SSHFileTools {
    static var all: [ProfileTool] { [readFile, writeFile] }

    private static let usualLimit = 2 << 20
    private static let connection = [
        SSHTools.optionalUser, SSHTools.password, SSHTools.keyFile, SSHTools.optionalPort,
    ]
    private static let rights = [
        FastSchema.Parameter("sudo_password", .optionalText, "Password for sudo (optional)"),
        FastSchema.Parameter(
            "use_sudo", .flag, standard: false, "Use sudo (passwordless if no sudo_password is given)"),
    ]

    private static func files(_ call: SSHTools.Call) async throws(MMError) -> RemoteFiles {
        let host = try call.host()
        guard case .shell(let session) = try await call.member(host).body, let shell = session as? SSHSession else {
            throw MMError(.unsupported, "Files can't be reached there.")
        }
        let password = host.sudoPassword
        let isRoot = call.arguments.flag("use_sudo") || call.arguments.text("sudo_password") != nil
        return RemoteFiles(shell, limit: 64 << 20, sudo: isRoot ? .root(password: password) : .none)
    }

    private static func failure(_ error: MMError, _ path: String, _ deed: String) -> String {
        switch error.code {
        case .notFound:
            return SSHTools.result(
                1, [("STDERR", deed == "reading" ? "Remote file not found: \(path)" : "Remote path not found: \(path)")]
            )
        case .forbidden where error.details["reason"] == nil:
            return SSHTools.result(
                1,
                [
                    (
                        "STDERR",
                        "Permission denied \(deed) file. Set use_sudo=True or provide sudo_password to retry with sudo."
                    )
                ])
        default: return SSHTools.result(1, [("STDERR", error.message)])
        }
    }

    private static func quoted(_ path: String) -> String {
        "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private static let readFile = SSHTools.tool(
        "read_file", "Read a remote file over SSH.",
        [SSHTools.hostOrAlias, FastSchema.Parameter("remote_path", .text, "Path to the remote file")] + connection
            + [
                FastSchema.Parameter("encoding", .text, standard: "utf-8", "Text encoding (default: utf-8), or base64"),
                FastSchema.Parameter(
                    "errors", .text, standard: "replace", "Error handling for decoding: replace or strict"),
                FastSchema.Parameter("max_bytes", .optionalNumber, "Maximum bytes to read (default: 2MB)"),
            ] + rights, .init(readOnly: true, openWorld: true)
    ) { (call) async throws(MMError) in
        let path = call.arguments.written("remote_path")
        guard !path.isEmpty else { return SSHTools.result(1, [("STDERR", "Remote path must be provided")]) }
        let limit = max(1, min(call.arguments.number("max_bytes") ?? usualLimit, usualLimit))
        try await call.toolCall.check("cat -- \(quoted(path))", place: .ssh, directory: nil)
        let files = try await files(call)
        do throws(MMError) {
            let piece = try await files.read(path, limit: limit)
            let content: String
            if call.arguments.text("encoding") == "base64" {
                content = Base64.text(piece.bytes)
            } else if let text = String(validating: piece.bytes, as: UTF8.self) {
                content = text
            } else if call.arguments.text("errors") == "strict", piece.bytes.count == piece.size {
                return SSHTools.result(1, [("STDERR", "Failed to decode file using encoding 'utf-8'")])
            } else {
                content = String(decoding: piece.bytes, as: UTF8.self)
            }
            var text = "Exit Status: 0\n\n"
            if !content.isEmpty { text += "CONTENT:\n\(content)\n" }
            if piece.bytes.count < piece.size {
                text += "STDERR:\nContent truncated to \(limit) bytes. Increase max_bytes to retrieve full file.\n"
            }
            return text
        } catch {
            return failure(error, path, "reading")
        }
    }

    private static let writeFile = SSHTools.tool(
        "write_file", "Write content to a remote file over SSH.",
        [
            SSHTools.hostOrAlias, FastSchema.Parameter("remote_path", .text, "Path to the remote file"),
            FastSchema.Parameter("content", .text, "Content to write"),
        ] + connection
            + [
                FastSchema.Parameter("encoding", .text, standard: "utf-8", "Text encoding (default: utf-8), or base64"),
                FastSchema.Parameter("errors", .text, standard: "strict", "Error handling for encoding"),
                FastSchema.Parameter("append", .flag, standard: false, "Append to file instead of overwriting"),
                FastSchema.Parameter("make_dirs", .flag, standard: false, "Create parent directories"),
                FastSchema.Parameter(
                    "permissions", .optionalNumber, "Octal file permissions to set (e.g., 420 for 0644)"),
                FastSchema.Parameter("max_bytes", .optionalNumber, "Maximum bytes to write (default: 2MB)"),
            ] + rights, SSHTools.acts
    ) { (call) async throws(MMError) in
        let path = call.arguments.written("remote_path")
        guard !path.isEmpty else { return SSHTools.result(1, [("STDERR", "Remote path must be provided")]) }
        let content = call.arguments.written("content")
        var bytes = Array(content.utf8)
        if call.arguments.text("encoding") == "base64" {
            guard let decoded = Base64.bytes(content) else {
                return SSHTools.result(1, [("STDERR", "Failed to encode content using encoding 'base64'")])
            }
            bytes = decoded
        }
        let limit = max(1, min(call.arguments.number("max_bytes") ?? usualLimit, usualLimit))
        guard bytes.count <= limit else {
            return SSHTools.result(
                1, [("STDERR", "Content size \(bytes.count) bytes exceeds maximum allowed \(limit) bytes")])
        }
        try await call.toolCall.check("tee -- \(quoted(path))", place: .ssh, directory: nil)
        var how = FileWriting()
        how.appends = call.arguments.flag("append")
        how.createsFolders = call.arguments.flag("make_dirs")
        how.permissions = call.arguments.number("permissions").flatMap { UInt32(exactly: $0) }
        let files = try await files(call)
        do throws(MMError) {
            let receipt = try await files.write(path, bytes, how: how)
            let message = "Wrote \(bytes.count) bytes to \(receipt.path)" + (how.appends ? " (append)" : "")
            return SSHTools.result(0, [("MESSAGE", message)])
        } catch {
            return failure(error, path, "writing")
        }
    }
}
