internal import Glibc
package import MMCore
package import MMSystem

/// An open file of this machine that is read while it is sent.
package final class FileReader: Sendable {
    /// The path, for messages.
    package let path: String
    /// The size when it was opened.
    package let size: Int
    private let file: FileDescriptor
    private let mark: Mark

    /// A signature that distinguishes versions of a file's content.
    private struct Mark: Sendable, Hashable {
        let device: UInt
        let number: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init(_ status: stat) {
            device = UInt(status.st_dev)
            number = UInt(status.st_ino)
            size = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    /// Creates a reader that owns an opened file.
    /// - Throws: `.invalidInput` for anything but a regular file.
    package init(_ file: consuming FileDescriptor, path: String) throws(MMError) {
        var status = stat()
        guard fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw MMError(
                .invalidInput, "“\(path)” isn't a regular file.",
                hint: "Give the path of a file (--recursive takes a folder).")
        }
        self.path = path
        self.file = file
        mark = Mark(status)
        size = mark.size
    }

    /// Returns whether a folder holds a file of this name with this content.
    package static func isThere(
        _ name: String, in folder: consuming FileDescriptor, size: Int, quickXorHash: String
    ) async throws(MMError) -> Bool {
        let number = openat(folder.raw, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard number >= 0 else { return false }
        let opened = FileDescriptor(owning: number)
        var status = stat()
        guard fstat(opened.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int(status.st_size) == size else {
            return false
        }
        let file = try FileReader(opened, path: name)
        let own = try await file.quickXorHash()
        return own == quickXorHash
    }

    /// The file name without its folders.
    package var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// The identity of this content, to which confirmations and stored upload sessions are bound.
    package var identity: JSONObject {
        [
            "path": .string(path), "size": .int(Int64(size)),
            "modified": .string(
                Timestamp(seconds: Int64(mark.seconds), nanoseconds: mark.nanoseconds).iso8601Milliseconds),
            "inode": .string("\(mark.device):\(mark.number)"),
        ]
    }

    /// Reads some of the bytes on a thread that may block.
    package func read(_ range: Range<Int>) async throws(MMError) -> [UInt8] {
        try await BlockingWork.run { [self] () throws(MMError) in try bytes(range) }
    }

    /// Throws if the file has changed since it was opened.
    package func checkUnchanged() throws(MMError) {
        var status = stat()
        guard fstat(file.raw, &status) == 0, Mark(status) == mark else {
            throw MMError(
                .conflict, "“\(path)” changed while it was sent.", hint: "Send it again when no program writes to it.",
                retry: .now)
        }
    }

    /// Returns the QuickXorHash of the whole file in base64, as services give it.
    package func quickXorHash() async throws(MMError) -> String {
        try await BlockingWork.run { [self] () throws(MMError) in
            var hash = QuickXorHash()
            var start = 0
            while start < size {
                let range = start..<min(start + (1 << 20), size)
                hash.update(try bytes(range))
                start = range.upperBound
            }
            return Base64.text(hash.finish())
        }
    }

    private func bytes(_ range: Range<Int>) throws(MMError) -> [UInt8] {
        let bytes = try FileBytes.read(file.raw, at: range.lowerBound, upTo: range.count) {
            SystemError.error("Reading \(path)", $0)
        }
        guard bytes.count == range.count else {
            throw MMError(
                .conflict, "“\(path)” became shorter while it was sent.", hint: "Send it again.", retry: .now)
        }
        return bytes
    }
}
