import Glibc
import MMCore
import MMSystem

/// A channel of a connection that transfers files (sftp-server(8)), for one caller at a time.
final class SFTPChannel: Sendable {
    private struct State {
        var received: [UInt8] = []
        var next: UInt32 = 1
        /// Packets whose answers aren't awaited yet, and answers that came before they were awaited.
        var posted: Set<UInt32> = []
        var early: [UInt32: SFTPPacket.Reply] = [:]
    }

    private let process: ChildProcess
    /// The connection that the channel uses.
    let master: SSHMaster
    /// Ends the channel of a host that stays silent, and tells whether it did.
    private let alarm: Task<Bool, Never>
    private let state = Mutex(State())
    /// When the host was last heard from.
    private let heard: Heard
    private var name: String { master.name }

    private final class Heard: Sendable {
        private let last = Mutex(ContinuousClock.now)

        func now() { last.withLock { $0 = .now } }

        var silence: Duration { last.withLock { .now - $0 } }
    }

    /// The size of the data in one packet, and the number of packets in flight at once.
    private static let piece = 32 << 10
    private static let window = 32

    /// Opens a channel.
    /// - Parameter timeout: how long the host may stay silent.
    /// - Throws: `.unsupported` if the host has no such subsystem, `.limitExceeded` if it opens no channel at all;
    ///   `.deadlineExceeded`, `.cancelled`, and the error of a lost connection.
    static func open(_ master: SSHMaster, timeout: Duration) async throws(MMError) -> SFTPChannel {
        var command = master.channel("sftp", arguments: ["-s"])
        command.input = .pipe
        command.inputCapacity = Int32(window * piece)
        command.error = .null
        let channel = SFTPChannel(process: try await ChildProcess.start(command), master: master, timeout: timeout)
        do throws(MMError) {
            var hello = SFTPPacket.Writer()
            hello.packet(.start) { $0.number(3) }
            try await channel.process.input?.write(hello.bytes)
            if case .version(let version) = try await channel.receive().reply, version >= 3 { return channel }
        } catch {
            await channel.close()
            if error.code == .cancelled { throw error }
            if await channel.alarm.value { throw SSHFailure.silent(master.name) }
        }
        await channel.close()
        let other = try await master.control("exit 0", timeout: timeout)
        if let fault = master.fault(of: String(decoding: other.error, as: UTF8.self)) { throw fault }
        throw MMError(.unsupported, "\(master.name) does not support SFTP.")
    }

    private init(process: ChildProcess, master: SSHMaster, timeout: Duration) {
        self.process = process
        self.master = master
        let heard = Heard()
        self.heard = heard
        alarm = Task {
            while !Task.isCancelled {
                let left = timeout - heard.silence
                guard left > .zero else {
                    process.signalGroup(SIGKILL)
                    return true
                }
                try? await Task.sleep(for: left)
            }
            return false
        }
    }

    /// Ends the channel.
    func close() async {
        alarm.cancel()
        process.signalGroup(SIGKILL)
        _ = await process.exit()
        process.output?.close()
        process.input?.close()
    }

    // MARK: Files

    /// Returns the real path of a file or folder; a relative one starts from the home folder.
    func realPath(_ path: String) async throws(MMError) -> String {
        guard case .name(let name) = try await ask(path, .realPath, { $0.text(path.utf8) }) else { throw broken }
        return String(decoding: name, as: UTF8.self)
    }

    /// Returns the attributes of a file, following links.
    /// - Returns: `nil` if it doesn't exist.
    func state(of path: String) async throws(MMError) -> SFTPPacket.Attributes? {
        switch try await send(.state, { $0.text(path.utf8) }) {
        case .attributes(let attributes): return attributes
        case .status(2, _): return nil
        case .status(let code, let message): throw problem(code, message, path)
        default: throw broken
        }
    }

    /// Returns whether a path names a link, wherever it leads.
    func isLink(_ path: String) async throws(MMError) -> Bool {
        guard case .attributes(let attributes) = try await send(.linkState, { $0.text(path.utf8) }) else {
            return false
        }
        return attributes.isLink
    }

    /// Reads a file or a part of it.
    /// - Throws: `.limitExceeded` if the whole file is requested and it is larger than the limit.
    func read(_ path: String, from offset: Int, limit wanted: Int?, most: Int) async throws(MMError) -> FilePiece {
        guard case .handle(let handle) = try await open(path, [.read], permissions: nil) else { throw broken }
        guard case .attributes(let attributes) = try await ask(path, .fileState, { $0.text(handle) }) else {
            throw broken
        }
        guard attributes.isFile else { throw MMError(.invalidInput, "“\(path)” on \(name) isn't a regular file.") }
        let told = attributes.size ?? 0
        // Files that the kernel generates while they are read have a reported size of 0; their end is found by reading.
        let isUnmeasured = told == 0
        let tooLarge = MMError(
            .limitExceeded, "“\(path)” is larger than \(most) bytes.",
            hint: "Read it in parts, with offset and limit.")
        let count = min(wanted ?? Int.max, isUnmeasured ? most + 1 : max(0, told - offset))
        guard isUnmeasured || count <= most else { throw tooLarge }
        var bytes: [UInt8] = []
        if !isUnmeasured { bytes.reserveCapacity(count) }
        var hasEnded = false
        while bytes.count < count, !hasEnded {
            var pieces: [(start: Int, count: Int)] = []
            var start = bytes.count
            while start < count, pieces.count < (isUnmeasured ? 1 : Self.window) {
                pieces.append((start, min(Self.piece, count - start)))
                start += Self.piece
            }
            let replies = try await send(
                pieces.map { piece in
                    (
                        .read,
                        { packet in
                            packet.text(handle)
                            packet.large(UInt64(offset + piece.start))
                            packet.number(UInt32(piece.count))
                        }
                    )
                })
            var isShort = false
            for (piece, reply) in zip(pieces, replies) where !isShort && !hasEnded {
                switch reply {
                case .data(let data):
                    guard !data.isEmpty, data.count <= piece.count else { throw broken }
                    bytes += data
                    // A server may return less than was requested; the rest is requested again.
                    isShort = data.count < piece.count
                case .status(SFTPPacket.endOfFile, _):
                    // Other generated files (sysfs) report their maximum size, so only a reported size that differs now
                    // means a change.
                    guard case .attributes(let now) = try await ask(path, .fileState, { $0.text(handle) }),
                        now.size ?? 0 == told
                    else {
                        throw MMError(
                            .remoteFailed, "“\(path)” changed while it was read.", hint: "Read it again.", retry: .now)
                    }
                    hasEnded = true
                case .status(let code, let message): throw problem(code, message, path)
                default: throw broken
                }
            }
        }
        _ = try await send(.close) { $0.text(handle) }
        guard bytes.count <= most else { throw tooLarge }
        let end = offset + bytes.count
        return FilePiece(bytes: bytes, offset: offset, size: hasEnded && !bytes.isEmpty || told < end ? end : told)
    }

    /// A file whose content was sent, and which is still open.
    struct SentFile: Sendable {
        fileprivate let path: String
        fileprivate let handle: [UInt8]
        /// The size that it must have.
        let size: Int
        /// The SHA-256 of the whole content, as hex.
        let digest: String
    }

    /// Writes the content to a new file, or into an existing one from an offset on. `finish` completes it.
    func write(
        _ source: FileSource, from start: Int, to path: String, _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> SentFile {
        let flags: SFTPPacket.Flags = start == 0 ? [.write, .create, .exclusive] : [.write]
        guard case .handle(let handle) = try await open(path, flags, permissions: start == 0 ? 0o600 : nil) else {
            throw broken
        }
        return try await put(source, from: start, at: 0, handle, path, progress)
    }

    /// Writes the content to the end of a file. `finish` completes it.
    func append(
        _ source: FileSource, to path: String, permissions: UInt32, _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> SentFile {
        guard case .handle(let handle) = try await open(path, [.write, .append, .create], permissions: permissions)
        else { throw broken }
        var before = 0
        if case .attributes(let old) = try await ask(path, .fileState, { $0.text(handle) }) {
            before = old.size ?? 0
        }
        guard before <= Int.max - source.count else { throw broken }
        return try await put(source, from: 0, at: before, handle, path, progress)
    }

    private func put(
        _ source: FileSource, from start: Int, at base: Int, _ handle: [UInt8], _ path: String,
        _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> SentFile {
        var reading = FileSource.Reading(source)
        // What is there already is read too, for the checksum.
        while reading.position < start {
            _ = try await reading.next(min(FileSource.piece, start - reading.position))
        }
        // While the host writes one window of packets, the next is read and sent, so that neither side waits for the
        // other.
        var underWay: (ids: [UInt32: Int], end: Int)?
        while !reading.isOver || underWay != nil {
            var next: (ids: [UInt32: Int], end: Int)?
            if !reading.isOver {
                let place = base + reading.position
                let bytes = try await reading.next(Self.window * Self.piece)
                let pieces = stride(from: 0, to: bytes.count, by: Self.piece).map {
                    $0..<min($0 + Self.piece, bytes.count)
                }
                let ids = try await post(
                    pieces.map { piece in
                        (
                            .write,
                            { packet in
                                packet.text(handle)
                                packet.large(UInt64(place + piece.lowerBound))
                                packet.text(bytes[piece])
                            }
                        )
                    }, capacity: bytes.count + pieces.count * (handle.count + 32))
                next = (ids, reading.position)
            }
            if let window = underWay {
                for reply in try await replies(to: window.ids) {
                    if case .status(let code, let message) = reply, code != 0 { throw problem(code, message, path) }
                }
                progress(window.end)
            }
            underWay = next
        }
        return SentFile(path: path, handle: handle, size: base + source.count, digest: reading.digest)
    }

    /// Waits until a file is on the host's disk, checks its size and closes it.
    func finish(_ file: SentFile) async throws(MMError) {
        // Only some servers report data that can't be written to disk; others don't know this extension (OpenSSH
        // PROTOCOL).
        if case .status(4, let message) = try await send(
            .extended,
            {
                $0.text("fsync@openssh.com".utf8)
                $0.text(file.handle)
            })
        {
            throw problem(4, message, file.path)
        }
        guard case .attributes(let after) = try await ask(file.path, .fileState, { $0.text(file.handle) }) else {
            throw broken
        }
        _ = try await ask(file.path, .close, { $0.text(file.handle) })
        guard after.size ?? file.size == file.size else { throw incomplete(file.path) }
    }

    /// Sets the permissions of a file.
    /// - Parameter owner: the owner to set first, if this account may change the owner.
    func setPermissions(
        _ path: String, _ permissions: UInt32, owner: SFTPPacket.Owner? = nil
    ) async throws(MMError) {
        guard case .handle(let handle) = try await open(path, [.write], permissions: nil) else { throw broken }
        if let owner {
            _ = try? await ask(path, .setFileState) {
                $0.text(handle)
                $0.attributes(owner: owner)
            }
        }
        _ = try await ask(path, .setFileState) {
            $0.text(handle)
            $0.attributes(permissions: permissions)
        }
        _ = try await ask(path, .close) { $0.text(handle) }
    }

    /// Replaces a file with a draft.
    func replace(_ path: String, by draft: String) async throws(MMError) {
        let reply = try await send(.extended) {
            $0.text("posix-rename@openssh.com".utf8)
            $0.text(draft.utf8)
            $0.text(path.utf8)
        }
        guard case .status(let code, let message) = reply else { throw broken }
        if code == 0 { return }
        guard code == 8 else { throw problem(code, message, path) }
        // Without the extension the old file must be removed first, so for a moment there is no file.
        _ = try await send(.remove) { $0.text(path.utf8) }
        _ = try await ask(path, .rename) {
            $0.text(draft.utf8)
            $0.text(path.utf8)
        }
    }

    /// Removes a file, if it exists.
    func remove(_ path: String) async { _ = try? await send(.remove) { $0.text(path.utf8) } }

    /// Creates a folder.
    func makeFolder(_ path: String) async throws(MMError) {
        _ = try await ask(path, .makeFolder) {
            $0.text(path.utf8)
            $0.attributes(permissions: 0o755)
        }
    }

    // MARK: Packets

    private typealias Fill = (inout SFTPPacket.Writer) -> Void

    private func open(_ path: String, _ flags: SFTPPacket.Flags, permissions: UInt32?) async throws(MMError)
        -> SFTPPacket.Reply
    {
        try await ask(path, .open) {
            $0.text(path.utf8)
            $0.number(flags.rawValue)
            $0.attributes(permissions: permissions)
        }
    }

    /// Sends one packet; a status other than success is thrown as an error.
    private func ask(_ path: String, _ kind: SFTPPacket.Kind, _ fill: @escaping Fill) async throws(MMError)
        -> SFTPPacket.Reply
    {
        let reply = try await send(kind, fill)
        if case .status(let code, let message) = reply, code != 0 { throw problem(code, message, path) }
        return reply
    }

    private func send(_ kind: SFTPPacket.Kind, _ fill: @escaping Fill) async throws(MMError) -> SFTPPacket.Reply {
        guard let reply = try await send([(kind, fill)]).first else { throw broken }
        return reply
    }

    /// Sends packets and returns the answers to all of them, in their order.
    private func send(_ packets: [(SFTPPacket.Kind, Fill)]) async throws(MMError) -> [SFTPPacket.Reply] {
        try await replies(to: try await post(packets))
    }

    /// Sends packets.
    /// - Parameter capacity: their approximate total size.
    /// - Returns: the position of each packet by its id, for `replies`.
    private func post(
        _ packets: [(SFTPPacket.Kind, Fill)], capacity: Int = 0
    ) async throws(MMError) -> [UInt32: Int] {
        var writer = SFTPPacket.Writer(capacity: capacity)
        var ids: [UInt32: Int] = [:]
        for (index, (kind, fill)) in packets.enumerated() {
            let id = state.withLock { state in
                state.next &+= 1
                state.posted.insert(state.next)
                return state.next
            }
            ids[id] = index
            writer.packet(kind) {
                $0.number(id)
                fill(&$0)
            }
        }
        try await process.input?.write(writer.bytes)
        return ids
    }

    /// Waits for the answers to packets, which come in any order, and returns them in the order of the packets.
    private func replies(to packets: [UInt32: Int]) async throws(MMError) -> [SFTPPacket.Reply] {
        var ids = packets
        var replies = [SFTPPacket.Reply?](repeating: nil, count: packets.count)
        state.withLock { state in
            for (id, index) in packets {
                state.posted.remove(id)
                guard let reply = state.early.removeValue(forKey: id) else { continue }
                replies[index] = reply
                ids[id] = nil
            }
        }
        while !ids.isEmpty {
            let (id, reply) = try await receive()
            guard let index = ids.removeValue(forKey: id) else {
                state.withLock { if $0.posted.contains(id) { $0.early[id] = reply } }
                continue
            }
            replies[index] = reply
        }
        return replies.compactMap { $0 }
    }

    private func receive() async throws(MMError) -> (id: UInt32, reply: SFTPPacket.Reply) {
        while true {
            let packet: [UInt8]? = try state.withLock { (state) throws(MMError) in
                guard state.received.count >= 4 else { return nil }
                let count = state.received.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                // OpenSSH sends at most 256 KiB at once.
                guard count > 0, count <= 1 << 20 else { throw broken }
                guard state.received.count >= 4 + count else { return nil }
                defer { state.received.removeFirst(4 + count) }
                return Array(state.received[4..<(4 + count)])
            }
            if let packet {
                guard let answer = SFTPPacket.reply(packet[...]) else { throw broken }
                return answer
            }
            guard let bytes = try await process.output?.read(upTo: 64 << 10) else {
                throw MMError(
                    .remoteFailed, "The SFTP channel to \(name) was closed or timed out.",
                    hint: "Repeat the call: an upload goes on from what has arrived.", retry: .now)
            }
            heard.now()
            state.withLock { $0.received += bytes }
        }
    }

    private var broken: MMError { MMError(.remoteFailed, "\(name) sent an answer that isn't SFTP.") }

    private func incomplete(_ path: String) -> MMError {
        MMError(
            .remoteFailed, "“\(path)” could not be written completely on \(name): the disk may be full.",
            hint: "Free space there (df), then write it again.")
    }

    private func problem(_ code: UInt32, _ message: String, _ path: String) -> MMError {
        switch code {
        case 2:
            MMError(
                .notFound, "“\(path)” doesn't exist on \(name).",
                hint: "Check the path; folders are created only on request.")
        case 3:
            MMError(
                .forbidden, "“\(path)” on \(name) can't be accessed by this user.",
                hint: "Check its permissions, or use sudo.")
        case 4:
            MMError(
                .remoteFailed, "“\(path)” could not be handled on \(name): the disk may be full, or it isn't a file.",
                hint: "Check the free space and permissions there (df, ls -l).", cause: message)
        default: MMError(.remoteFailed, "“\(path)” could not be handled on \(name): \(message) (\(code)).")
        }
    }
}

/// Packets of the SSH File Transfer Protocol, version 3 (draft-ietf-secsh-filexfer-02, the one that OpenSSH speaks).
enum SFTPPacket {
    /// The type of a packet (section 3).
    enum Kind: UInt8 {
        case start = 1
        case version = 2
        case open = 3
        case close = 4
        case read = 5
        case write = 6
        case linkState = 7
        case fileState = 8
        case setFileState = 10
        case remove = 13
        case makeFolder = 14
        case realPath = 16
        case state = 17
        case rename = 18
        case status = 101
        case handle = 102
        case data = 103
        case names = 104
        case attributes = 105
        case extended = 200
    }

    /// The modes in which a file is opened (section 6.3).
    struct Flags: OptionSet {
        let rawValue: UInt32
        static let read = Flags(rawValue: 1)
        static let write = Flags(rawValue: 2)
        static let append = Flags(rawValue: 4)
        static let create = Flags(rawValue: 8)
        static let exclusive = Flags(rawValue: 0x20)
    }

    /// The owner and group of a file, as numbers.
    struct Owner: Sendable, Hashable {
        var user: UInt32
        var group: UInt32
    }

    /// The attributes of a file (section 5).
    struct Attributes: Sendable, Hashable {
        var size: Int?
        var owner: Owner?
        var permissions: UInt32?

        var isLink: Bool { permissions.map { $0 & 0o170000 == 0o120000 } ?? false }
        var isFolder: Bool { permissions.map { $0 & 0o170000 == 0o040000 } ?? false }
        var isFile: Bool { permissions.map { $0 & 0o170000 == 0o100000 } ?? true }
    }

    /// An answer.
    enum Reply: Sendable {
        case status(UInt32, String)
        case handle([UInt8])
        case data([UInt8])
        case name([UInt8])
        case attributes(Attributes)
        case version(UInt32)
    }

    /// The end of a file, as a status.
    static let endOfFile: UInt32 = 1

    /// Writes packets, one after the other.
    struct Writer {
        private(set) var bytes: [UInt8] = []

        init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

        /// Adds a packet, preceded by its length.
        mutating func packet(_ kind: Kind, _ fill: (inout Writer) -> Void) {
            let start = bytes.count
            number(0)
            bytes.append(kind.rawValue)
            fill(&self)
            let length = UInt32(bytes.count - start - 4)
            withUnsafeBytes(of: length.bigEndian) { bytes.replaceSubrange(start..<(start + 4), with: $0) }
        }

        mutating func number(_ value: UInt32) {
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }

        mutating func large(_ value: UInt64) {
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }

        mutating func text(_ value: some Collection<UInt8>) {
            number(UInt32(value.count))
            bytes.append(contentsOf: value)
        }

        mutating func attributes(permissions: UInt32?) {
            number(permissions == nil ? 0 : 4)
            if let permissions { number(permissions) }
        }

        mutating func attributes(owner: Owner) {
            number(2)
            number(owner.user)
            number(owner.group)
        }
    }

    /// Reads the fields of a packet. A missing field makes the packet invalid.
    struct Reader {
        private let bytes: ArraySlice<UInt8>
        private var position: Int

        init(_ bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            position = bytes.startIndex
        }

        mutating func byte() -> UInt8? {
            guard position < bytes.endIndex else { return nil }
            defer { position += 1 }
            return bytes[position]
        }

        mutating func number() -> UInt32? {
            guard bytes.endIndex - position >= 4 else { return nil }
            defer { position += 4 }
            return bytes[position..<(position + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        }

        mutating func large() -> UInt64? {
            guard let high = number(), let low = number() else { return nil }
            return UInt64(high) << 32 | UInt64(low)
        }

        mutating func text() -> [UInt8]? {
            guard let count = number(), bytes.endIndex - position >= Int(count) else { return nil }
            defer { position += Int(count) }
            return Array(bytes[position..<(position + Int(count))])
        }

        mutating func attributes() -> Attributes? {
            guard let flags = number() else { return nil }
            var found = Attributes()
            if flags & 1 != 0 {
                guard let size = large().flatMap({ Int(exactly: $0) }) else { return nil }
                found.size = size
            }
            if flags & 2 != 0 {
                guard let user = number(), let group = number() else { return nil }
                found.owner = Owner(user: user, group: group)
            }
            if flags & 4 != 0 {
                guard let permissions = number() else { return nil }
                found.permissions = permissions
            }
            return found
        }
    }

    /// Reads an answer.
    /// - Returns: `nil` if it isn't a valid one.
    static func reply(_ bytes: ArraySlice<UInt8>) -> (id: UInt32, reply: Reply)? {
        var reader = Reader(bytes)
        guard let kind = reader.byte().flatMap({ Kind(rawValue: $0) }), let id = reader.number() else { return nil }
        switch kind {
        case .version: return (0, .version(id))
        case .status:
            guard let code = reader.number() else { return nil }
            return (id, .status(code, String(decoding: reader.text() ?? [], as: UTF8.self)))
        case .handle: return reader.text().map { (id, .handle($0)) }
        case .data: return reader.text().map { (id, .data($0)) }
        case .names:
            guard let count = reader.number(), count > 0 else { return nil }
            return reader.text().map { (id, .name($0)) }
        case .attributes: return reader.attributes().map { (id, .attributes($0)) }
        default: return nil
        }
    }
}
