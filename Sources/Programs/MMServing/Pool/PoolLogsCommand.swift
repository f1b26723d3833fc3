import Glibc
import MMCLI
import MMCore
import MMOperations

/// `mm pool logs`: shows the pool's log.
enum PoolLogsCommand {
    static func command(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "logs"], summary: "Show or follow the pool's log.",
            discussion:
                "Shows text lines, or JSON lines with --json. Sizes are logged, contents are not, unless a "
                + "connection has `logContent`.",
            fields: [
                InputField("follow", .flag, "Follow new lines until Ctrl-C.", .short("f")),
                InputField(
                    "lines", .integer(0...1_000_000), "Number of lines from the end (default 100).", .short("n")),
                InputField("connection", .text, "Show only lines of this connection.", .at(0)),
                InputField("errors", .flag, "Show only warnings and errors, including failed sign-ins."),
            ],
            examples: [
                .init("mm pool logs -f", "the last lines, then new ones"),
                .init("mm pool logs Contoso --errors", "problems of one connection"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let paths = StatePaths(environment: environment)
            let plain = paths.poolLog()
            let connection = try input.text("connection")
            let isJSON = options.format == .json || options.format == .jsonl
            let errorsOnly = try input.flag("errors")
            let reader = PoolLogReader(
                path: isJSON ? String(plain.dropLast(4)) + ".jsonl" : plain, isJSON: isJSON,
                connection: connection, errorsOnly: errorsOnly)
            let follows = try input.flag("follow")
            let lines = try reader.last(try input.integer("lines") ?? 100)
            for line in lines { try streams.write(line + [0x0A]) }
            // A connection that was removed may still have lines.
            if lines.isEmpty, let connection {
                _ = try ConnectionRegistry(path: paths.registry).snapshot().connection(named: connection)
            }
            if lines.isEmpty, !follows, !options.quiet {
                let isWhole = connection == nil && !errorsOnly
                streams.note(isWhole ? "The log is empty." : "The log has no such lines.")
            }
            guard follows else { return 0 }
            var follower = reader.follower()
            while !Task.isCancelled {
                for line in follower.new() { try streams.write(line + [0x0A]) }
                try? await Task.sleep(for: .milliseconds(200))
            }
            return 0
        }
    }
}

/// Reads a log that is rotated when it is full, and continues where it left off.
struct PoolLogReader: Sendable {
    private let path: String
    private let isJSON: Bool
    private let connection: String?
    private let errorsOnly: Bool

    /// The number of rotated files beside the current one.
    private static let backups = 5
    private static let limit = 64 << 20

    /// Creates a reader.
    /// - Parameters:
    ///   - path: the log's path.
    ///   - isJSON: whether its lines are JSON.
    ///   - connection: the connection whose lines are wanted; `nil` for all.
    ///   - errorsOnly: whether only warnings and errors are wanted.
    init(path: String, isJSON: Bool, connection: String? = nil, errorsOnly: Bool = false) {
        self.path = path
        self.isJSON = isJSON
        self.connection = connection
        self.errorsOnly = errorsOnly
    }

    /// Returns the last lines, oldest first; if the current file has too few, those of rotated files are included.
    func last(_ count: Int) throws(MMError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for number in 0...Self.backups where lines.count < count {
            guard let bytes = try ProtectedFile.read(number == 0 ? path : "\(path).\(number)", limit: Self.limit) else {
                break
            }
            let kept = bytes.split(separator: 0x0A).map(Array.init).filter(isWanted)
            lines = kept.suffix(count - lines.count) + lines
        }
        return lines
    }

    /// Returns a follower that reads the lines written from now on.
    func follower() -> Follower { Follower(reader: self, path: path) }

    /// Returns whether a line is wanted.
    func isWanted(_ line: [UInt8]) -> Bool {
        guard connection != nil || errorsOnly else { return true }
        if isJSON {
            guard let json = try? JSONParser.parse(line) else { return false }
            if errorsOnly, !["WARNING", "ERROR"].contains(json["level"]?.string ?? "") { return false }
            guard let connection else { return true }
            let session = json["session"]?.string ?? ""
            return session == connection || session.hasPrefix(connection + "/")
        }
        let text = String(decoding: line, as: UTF8.self)
        if errorsOnly, !text.contains("[WARNING] "), !text.contains("[ERROR] ") { return false }
        guard let connection else { return true }
        return text.contains(" - [\(connection)] ") || text.contains(" - [\(connection)/")
    }

    /// Reads what is added to a file, even after it was rotated.
    struct Follower {
        private let reader: PoolLogReader
        private let path: String
        private var inode: UInt64 = 0
        private var offset: off_t = 0
        private var rest: [UInt8] = []

        fileprivate init(reader: PoolLogReader, path: String) {
            self.reader = reader
            self.path = path
            var status = stat()
            guard lstat(path, &status) == 0 else { return }
            inode = UInt64(status.st_ino)
            offset = status.st_size
        }

        /// Returns the lines added since the last call.
        mutating func new() -> [[UInt8]] {
            var status = stat()
            if lstat(path, &status) != 0 || UInt64(status.st_ino) != inode {
                // First read the rest of the file that was rotated.
                if inode != 0, lstat("\(path).1", &status) == 0, UInt64(status.st_ino) == inode { read("\(path).1") }
                guard lstat(path, &status) == 0 else { return take() }
                inode = UInt64(status.st_ino)
                offset = 0
            }
            if status.st_size < offset { offset = 0 }
            read(path)
            return take()
        }

        private mutating func read(_ path: String) {
            let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { return }
            defer { close(descriptor) }
            var room = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = pread(descriptor, &room, room.count, offset)
                guard count > 0 else { return }
                rest += room.prefix(count)
                offset += off_t(count)
            }
        }

        private mutating func take() -> [[UInt8]] {
            guard let end = rest.lastIndex(of: 0x0A) else { return [] }
            let lines = rest[..<end].split(separator: 0x0A).map(Array.init).filter(reader.isWanted)
            rest.removeSubrange(...end)
            return lines
        }
    }
}
