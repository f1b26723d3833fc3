import Glibc
import TestSupport

@testable import MMCore

extension TestFolder {
    /// Writes a file without ProtectedFile.
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws {
        try write(name, Array(text.utf8), mode: mode)
    }

    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws {
        let number = open(self[name], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard number >= 0 else { throw MMError(.internalError, "open \(name): \(errno)") }
        let file = Descriptor(owning: number)
        try ProtectedFile.write(bytes, to: file, path: name)
        _ = fchmod(file.number, mode)
    }

    func text(_ name: String) -> String? {
        bytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    func bytes(_ name: String) -> [UInt8]? {
        let number = open(self[name], O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = Descriptor(owning: number)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file.number, &chunk, chunk.count)
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    func status(_ name: String) -> stat? {
        var status = stat()
        return lstat(self[name], &status) == 0 ? status : nil
    }

    func mode(_ name: String) -> mode_t? { status(name).map { $0.st_mode & 0o7777 } }

    func names(_ folder: String = "") throws -> [String] {
        try FolderListing.names(in: folder.isEmpty ? path : self[folder]).sorted()
    }
}

/// The error that a body throws, for inspection.
func mmError(_ body: () throws -> Void) -> MMError? {
    do {
        try body()
        return nil
    } catch {
        return error as? MMError
    }
}
