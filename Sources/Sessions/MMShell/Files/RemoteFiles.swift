import Glibc
package import MMCore
import MMSystem

/// Files of a host, over a channel of the session's own connection.
///
/// Files go by SFTP; where it isn't available, or where `sudo` is needed, by the host's own tools. The size and the
/// checksum of what arrived are checked before it replaces the old file.
package struct RemoteFiles: Sendable {
    let session: SSHSession
    private let limit: Int
    let sudo: Sudo

    /// The account whose rights are used on the host.
    package enum Sudo: Sendable, Hashable {
        /// The user's.
        case none
        /// Those of root, by `sudo`; with its password if it asks for one.
        case root(password: Secret?)
    }

    /// Creates access through a session. Relative paths start from its working directory.
    package init(_ session: SSHSession, limit: Int = 64 << 20, sudo: Sudo = .none) {
        self.session = session
        self.limit = limit
        self.sudo = sudo
    }

    /// Reads a file or a part of it.
    /// - Throws: `.notFound`, `.forbidden`, `.invalidInput`, `.limitExceeded`, and what reaching the host throws.
    package func read(_ path: String, from offset: Int = 0, limit wanted: Int? = nil, timeout: Duration = .seconds(120))
        async throws(MMError) -> FilePiece
    {
        // No file is that large, and everything that is read from there on can still be counted.
        guard (0..<1 << 62).contains(offset), wanted ?? 0 >= 0 else {
            throw MMError(.invalidInput, "The offset or limit for “\(path)” is invalid.")
        }
        let most = min(wanted ?? limit, limit)
        let found = try await readBySFTP(
            path, from: offset, limit: wanted.map { min($0, limit) }, most: limit, timeout: timeout)
        if let found { return found }
        let script = """
            f=\(try await word(path)); \(Self.problems)
            n=$(wc -c <"$f") || exit 94; echo $((n)); [ \(wanted == nil ? 1 : 0) = 1 ] && [ $((n - \(offset))) -gt \(limit) ] && exit 95
            tail -c +\(offset + 1) "$f" | head -c \(most)
            """
        let outcome = try await run(script, input: [], timeout: timeout, most: most + 64)
        let (status, output) = outcome
        try check(status, path)
        guard let end = output.firstIndex(of: 0x0A), let size = Int(String(decoding: output[..<end], as: UTF8.self)),
            size >= 0
        else {
            throw MMError(.remoteFailed, "The host's answer for “\(path)” can't be read.")
        }
        let bytes = Array(output[(end + 1)...])
        guard bytes.count == min(most, max(0, size - offset)) else {
            throw MMError(
                .remoteFailed, "“\(path)” changed while it was read, or the connection was lost.",
                hint: "Read it again.", retry: .now)
        }
        return FilePiece(bytes: bytes, offset: offset, size: size)
    }

    /// Writes a file: the whole file in one step, or at its end.
    /// - Throws: as `read`; an existing file is then unchanged, unless the bytes were to be appended.
    package func write(
        _ path: String, _ bytes: [UInt8], how: FileWriting = FileWriting()
    ) async throws(MMError) -> FileReceipt {
        try await write(path, FileSource(bytes), how: how)
    }

    /// Writes a file: the whole file in one step, or at its end. A draft left by a lost connection is continued.
    /// - Parameters:
    ///   - keeping: keeps a copy of the file that is replaced; `nil` keeps none.
    ///   - timeout: how long the host may stay silent.
    ///   - progress: receives the number of bytes sent.
    /// - Throws: as `read`; an existing file is then unchanged, unless the bytes were to be appended.
    package func write(
        _ path: String, _ source: FileSource, how: FileWriting = FileWriting(), keeping: FileKeeping? = nil,
        timeout: Duration = .seconds(120),
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws(MMError) -> FileReceipt {
        try how.check(source, limit: limit)
        let keep: Keep = { (digest) async throws(MMError) in
            guard let keeping, !how.appends, await self.session.hasShell else { return }
            try await self.keep(path, unless: digest, keeping, timeout: timeout)
        }
        if let receipt = try await writeBySFTP(path, source, how: how, keep, timeout: timeout, progress) {
            return receipt
        }
        let bytes = try await source.whole()
        let digest = Hex.text(SHA256.digest(bytes))
        if how.permissions == nil { try await refuseReadOnly(path, timeout: timeout) }
        try await keep(digest)
        let mode = how.permissions.map { String($0, radix: 8) } ?? ""
        let script = """
            f=\(try await word(path)); [ -L "$f" ] && l=$(readlink -f -- "$f") && [ -n "$l" ] && f=$l
            d=$(dirname -- "$f"); \(how.createsFolders ? "mkdir -p -- \"$d\" || exit 93;" : "")
            [ -L "$f" ] && exit 99; [ -d "$f" ] && exit 92; [ -e "$f" ] && [ ! -f "$f" ] && exit 92; [ -d "$d" ] || exit 91
            umask 077; t=$(mktemp "$d/.mm-XXXXXX") || exit 93
            trap 'rm -f "$t"' EXIT; cat >"$t" || exit 96
            [ $(($(wc -c <"$t"))) = \(bytes.count) ] || exit 96
            \(Self.sum); s=$(sum "$t"); [ ${#s} != 64 ] || [ "$s" = \(digest) ] || exit 97
            m=\(mode)
            if [ \(how.appends ? 1 : 0) = 1 ]; then [ -e "$f" ] || { umask 022; : >"$f"; }
            cat "$t" >>"$f" || exit 96; [ -z "$m" ] || chmod "$m" "$f" || exit 93
            else [ -n "$m" ] || { [ -f "$f" ] && m=$(stat -c %a "$f" 2>/dev/null); }; [ -n "$m" ] || m=644
            o=$([ -f "$f" ] && stat -c %u:%g "$f" 2>/dev/null) && { chown "$o" "$t" 2>/dev/null || chgrp "${o#*:}" "$t" 2>/dev/null || :; }
            chmod "$m" "$t" && mv -f -- "$t" "$f" || exit 93; fi
            trap - EXIT; [ \(how.appends ? 1 : 0) = 1 ] && rm -f "$t"
            echo $(($(wc -c <"$f"))); cd -- "$d" && printf '%s/%s' "${PWD%/}" "${f##*/}"
            """
        let (status, output) = try await run(script, input: bytes, timeout: timeout, most: 64 << 10)
        try check(status, path)
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n", maxSplits: 1)
        guard lines.count == 2, let size = Int(lines[0]) else {
            throw MMError(.remoteFailed, "The host's answer for “\(path)” can't be read.")
        }
        return FileReceipt(path: String(lines[1]), size: size, digest: digest)
    }

    /// Keeps a copy of the old file, right before the new one with this checksum replaces it.
    typealias Keep = @Sendable (_ digest: String) async throws(MMError) -> Void

    /// Throws if the file is read-only for everybody, which `-w` doesn't show to root.
    private func refuseReadOnly(_ path: String, timeout: Duration) async throws(MMError) {
        let script = """
            f=\(try await word(path)); [ -L "$f" ] && l=$(readlink -f -- "$f") && [ -n "$l" ] && f=$l
            [ -f "$f" ] || exit 0
            case $(ls -ldn -- "$f") in ??w*|?????w*|????????w*) exit 0 ;; *) exit 98 ;; esac
            """
        let (status, _) = try await run(script, input: [], timeout: timeout, most: 1024)
        try check(status, path)
    }

    private static let problems = """
        [ -e "$f" ] || exit 91; [ -d "$f" ] && exit 92; [ -f "$f" ] || exit 92; [ -r "$f" ] || exit 93
        """

    func check(_ status: Int32, _ path: String) throws(MMError) {
        switch status {
        case 0: return
        case 91:
            throw MMError(
                .notFound, "“\(path)” doesn't exist on \(session.name).",
                hint: "Check the path; folders are created only on request.")
        case 92: throw MMError(.invalidInput, "“\(path)” on \(session.name) isn't a regular file.")
        case 93, 94:
            throw MMError(
                .forbidden, "“\(path)” on \(session.name) can't be accessed by this user.",
                hint: "Check its permissions, or use sudo.")
        case 95:
            throw MMError(
                .limitExceeded, "“\(path)” is larger than \(limit) bytes.",
                hint: "Read it in parts, with offset and limit.")
        case 96:
            throw MMError(
                .remoteFailed, "“\(path)” could not be written completely on \(session.name): the disk may be full.",
                hint: "Free space there (df), then write it again.")
        case 97:
            throw MMError(
                .remoteFailed, "The uploaded data for “\(path)” does not match its checksum; nothing was changed.",
                hint: "Write it again.", retry: .now)
        case 98: throw FileWriting.readOnly(path)
        case 99: throw FileWriting.leadsNowhere(path)
        case 1 where sudo != .none:
            throw MMError(
                .forbidden, "sudo on \(session.name) refused the request.",
                hint: "Check the password and the sudoers file.")
        default: throw MMError(.remoteFailed, "“\(path)” could not be handled on \(session.name) (status \(status)).")
        }
    }

    /// Returns a path as a word of a script; a relative one starts from the working directory.
    func word(_ path: String) async throws(MMError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw MMError(.invalidInput, "The path is empty or contains a NUL character.")
        }
        if path.hasPrefix("/") { return RemoteDialect.quoted(path) }
        if path.hasPrefix("~/") { return "$HOME/" + RemoteDialect.quoted(String(path.dropFirst(2))) }
        let directory = await session.workingDirectory
        return directory.isEmpty ? "./" + RemoteDialect.quoted(path) : RemoteDialect.quoted(directory + "/" + path)
    }

    func run(_ script: String, input: [UInt8], timeout: Duration, most: Int) async throws(MMError) -> (
        Int32, [UInt8]
    ) {
        guard await session.hasShell else { throw SSHFailure.filesAlone(session.name) }
        var whole = script
        var bytes = input
        if case .root(let password) = sudo {
            // If sudo asks for a password, it takes the first line; otherwise the script skips that line.
            let mark = Hex.text(RandomBytes.make(16))
            let inner =
                "IFS= read -r l; [ \"$l\" = \(mark) ] || IFS= read -r l; [ \"$l\" = \(mark) ] || exit 1\n" + script
            whole = "exec sudo -S -p '' -- /bin/sh -c " + RemoteDialect.quoted(inner)
            bytes = Array(((password?.reveal() ?? "") + "\n" + mark + "\n").utf8) + bytes
        }
        let marked = RemoteDialect.Marked(whole)
        let (result, master) = try await session.open(until: .after(timeout)) {
            [bytes] (master) async throws(MMError) in
            // A script that takes too long says nothing about the connection.
            let result = await Result { () async throws(MMError) in
                try await ChildProcess.run(
                    master.channel(RemoteDialect.command(marked.script)), input: bytes,
                    limit: most + (64 << 10), timeout: timeout)
            }
            if case .success(let outcome) = result, outcome.exit == .status(255),
                let fault = master.fault(of: String(decoding: outcome.error, as: UTF8.self))
            {
                throw fault
            }
            return (result, master)
        }
        await session.masters.release(master)
        let outcome = try result.get()
        return (outcome.exit.code, marked.answer(in: outcome.output))
    }
}

extension RemoteFiles {
    /// Reads by SFTP.
    /// - Returns: `nil` if the host doesn't offer it.
    func readBySFTP(_ path: String, from offset: Int, limit: Int?, most: Int, timeout: Duration) async throws(MMError)
        -> FilePiece?
    {
        try await bySFTP(timeout) { (channel) async throws(MMError) in
            let place = try await place(of: path)
            guard let state = try await channel.state(of: place) else {
                throw MMError(
                    .notFound, "“\(path)” doesn't exist on \(session.name).",
                    hint: "Check the path; folders are created only on request.")
            }
            guard state.isFile else {
                throw MMError(.invalidInput, "“\(path)” on \(session.name) isn't a regular file.")
            }
            return try await channel.read(place, from: offset, limit: limit, most: most)
        }
    }

    /// Writes by SFTP: a draft beside the file first, which then replaces the file in one step.
    /// - Returns: `nil` if the host doesn't offer it.
    func writeBySFTP(
        _ path: String, _ source: FileSource, how: FileWriting, _ keep: Keep, timeout: Duration,
        _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> FileReceipt? {
        try await bySFTP(timeout) { (channel) async throws(MMError) in
            try await write(path, source, how, keep, channel, progress)
        }
    }

    private func write(
        _ path: String, _ source: FileSource, _ how: FileWriting, _ keep: Keep, _ channel: SFTPChannel,
        _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> FileReceipt {
        let target = try await target(of: path, createsFolders: how.createsFolders, channel)
        let old = try await channel.state(of: target)
        if old?.isFolder == true {
            throw MMError(.invalidInput, "“\(path)” on \(session.name) is a folder.", hint: "Give the path of a file.")
        }
        // A pipe or device would be replaced by a regular file.
        if let old, !old.isFile {
            throw MMError(
                .invalidInput, "“\(path)” on \(session.name) is a pipe, socket or device, not a regular file.",
                hint: "Use the path of a file, or let a command write there.")
        }
        if let permissions = old?.permissions { try how.check(replacing: permissions, asked: path) }
        if how.appends {
            let sent = try await channel.append(source, to: target, permissions: how.permissions ?? 0o644, progress)
            try await channel.finish(sent)
            if let permissions = how.permissions { try await channel.setPermissions(target, permissions) }
            return FileReceipt(path: target, size: sent.size, digest: sent.digest)
        }
        let words = target.split(separator: "/", omittingEmptySubsequences: false)
        let beside = words.dropLast().joined(separator: "/") + "/.\(FileRules.shortened(words.last ?? "")).mm-"
        let drafts = session.masters.drafts
        let (record, isLeft) = await drafts.take(session.name, target, mark: try await source.mark()) { beside + $0 }
        do throws(MMError) {
            let digest = try await fill(record.draft, isLeft: isLeft, source, asked: path, channel, progress)
            let kept = old.flatMap { $0.isFile ? $0.permissions : nil }.map { $0 & 0o7777 } ?? 0o644
            try await channel.setPermissions(
                record.draft, how.permissions ?? kept, owner: old.flatMap { $0.isFile ? $0.owner : nil })
            if old?.isFile == true { try await keep(digest) }
            try await channel.replace(target, by: record.draft)
            await drafts.done(record)
            return FileReceipt(path: target, size: source.count, digest: digest)
        } catch {
            // Runs even if the call was cancelled. A draft left by a lost connection is continued the next time.
            let master = channel.master
            await Task {
                if await SSHDrafts.remove(record, over: master) {
                    await drafts.done(record)
                } else {
                    await drafts.leave(record)
                }
            }.value
            throw error
        }
    }

    /// Returns the real path of a file that is to be written, of which the folder exists.
    private func target(of path: String, createsFolders: Bool, _ channel: SFTPChannel) async throws(MMError) -> String {
        let place = try await place(of: path)
        let parts = place.split(separator: "/", omittingEmptySubsequences: false)
        let name = parts.last.map(String.init) ?? ""
        guard !name.isEmpty, name != ".", name != ".." else {
            throw MMError(.invalidInput, "“\(path)” isn't the path of a file.", hint: "Give the path of a file.")
        }
        let folder =
            parts.count == 1
            ? "." : parts.count == 2 && parts[0].isEmpty ? "/" : parts.dropLast().joined(separator: "/")
        if createsFolders { try await makeFolders(folder, channel) }
        guard let parent = try await channel.state(of: folder), parent.isFolder else {
            throw MMError(
                .notFound, "The folder of “\(path)” doesn't exist on \(session.name).",
                hint: "Check the path; folders are created only on request.")
        }
        let real = try await channel.realPath(folder)
        // A link is kept: the file that it leads to is written.
        let named = real == "/" ? "/" + name : real + "/" + name
        let followed = try? await channel.realPath(named)
        if followed == nil, try await channel.isLink(named) { throw FileWriting.leadsNowhere(path) }
        return followed ?? named
    }

    /// Writes a draft, continuing after what is left of it, and compares its checksum.
    /// - Returns: the checksum.
    private func fill(
        _ draft: String, isLeft: Bool, _ source: FileSource, asked path: String, _ channel: SFTPChannel,
        _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> String {
        if isLeft, let state = try await channel.state(of: draft), state.isFile, let size = state.size,
            size > 0, size <= source.count
        {
            let (sent, arrived) = try await send(source, from: size, to: draft, channel, progress)
            if sent == arrived { return sent }
        }
        if isLeft { await channel.remove(draft) }
        let (sent, arrived) = try await send(source, from: 0, to: draft, channel, progress)
        guard sent == arrived else {
            throw MMError(
                .remoteFailed, "The uploaded data for “\(path)” does not match its checksum; nothing was changed.",
                hint: "Write it again.", retry: .now)
        }
        return sent
    }

    /// Sends the content into a draft. The host computes the checksum of what arrived while it writes that to its disk.
    /// - Returns: the checksums of what was sent and of what arrived.
    private func send(
        _ source: FileSource, from start: Int, to draft: String, _ channel: SFTPChannel,
        _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> (sent: String, arrived: String) {
        let file = try await channel.write(source, from: start, to: draft, progress)
        async let told = hostDigest(of: draft, count: source.count, channel.master)
        try await channel.finish(file)
        if let arrived = await told { return (file.digest, arrived) }
        let arrived = try await digest(reading: draft, count: source.count, channel)
        return (file.digest, arrived)
    }

    /// The host's own tool for SHA-256, as a function. OpenSSL uses the processor's instructions for it and takes a
    /// fifth of the time.
    static let sum = """
        sum() { { openssl dgst -sha256 -r <"$1" || sha256sum <"$1" || shasum -a 256 <"$1"; } 2>/dev/null | cut -c1-64; }
        """

    /// Returns the checksum of a file as the host's own tool computes it.
    /// - Returns: `nil` if the host has no such tool.
    private func hostDigest(of path: String, count: Int, _ master: SSHMaster) async -> String? {
        // A slow disk may read only a few megabytes a second.
        let time = Duration.seconds(60 + count >> 22)
        guard let outcome = try? await master.control("\(Self.sum); sum \(RemoteDialect.quoted(path))", timeout: time),
            outcome.exit == .status(0), outcome.output.count >= 64,
            outcome.output.prefix(64).allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit })
        else { return nil }
        return String(decoding: outcome.output.prefix(64), as: UTF8.self)
    }

    /// Returns the checksum of a file by reading it back.
    private func digest(reading path: String, count: Int, _ channel: SFTPChannel) async throws(MMError) -> String {
        var sum = SHA256()
        var start = 0
        while start < count {
            let piece = try await channel.read(path, from: start, limit: FileSource.piece, most: FileSource.piece)
            guard !piece.bytes.isEmpty else { break }
            sum.update(piece.bytes)
            start += piece.bytes.count
        }
        return Hex.text(sum.finish())
    }

    private func makeFolders(_ folder: String, _ channel: SFTPChannel) async throws(MMError) {
        var place = ""
        for (index, part) in folder.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
            place += index == 0 ? String(part) : "/" + part
            guard !part.isEmpty, part != ".", try await channel.state(of: place) == nil else { continue }
            try await channel.makeFolder(place)
        }
    }

    /// Returns a path as SFTP takes it: a relative one starts from the home folder on the host.
    private func place(of path: String) async throws(MMError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw MMError(.invalidInput, "The path is empty or contains a NUL character.")
        }
        if path.hasPrefix("/") { return path }
        if path.hasPrefix("~/") { return String(path.dropFirst(2)) }
        let directory = await session.workingDirectory
        return directory.isEmpty ? path : directory + "/" + path
    }

    /// Does something over a channel of its own.
    /// - Returns: `nil` if the host doesn't offer SFTP.
    private func bySFTP<Done: Sendable>(
        _ timeout: Duration, _ body: (SFTPChannel) async throws(MMError) -> Done
    ) async throws(MMError) -> Done? {
        guard sudo == .none else { return nil }
        let (channel, master) = try await session.open(until: .after(timeout)) { (master) async throws(MMError) in
            let channel = try await Self.openSFTP(over: master, timeout)
            return (channel, master)
        }
        var outcome: Result<Done?, MMError> = .success(nil)
        if let channel {
            do throws(MMError) { outcome = .success(try await body(channel)) } catch { outcome = .failure(error) }
            await channel.close()
        }
        await session.masters.release(master)
        return try outcome.get()
    }

    private static func openSFTP(over master: SSHMaster, _ timeout: Duration) async throws(MMError) -> SFTPChannel? {
        guard !master.lacksSFTP.withLock({ $0 }) else { return nil }
        do throws(MMError) {
            return try await SFTPChannel.open(master, timeout: timeout)
        } catch {
            guard error.code == .unsupported else { throw error }
            master.lacksSFTP.withLock { $0 = true }
            return nil
        }
    }
}
