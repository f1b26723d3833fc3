import MMCore
import MMSystem

extension RemoteFiles {
    /// Reads by SFTP.
    /// - Returns: nil where the host has none.
    func readBySFTP(_ path: String, from offset: Int, limit: Int?, most: Int, timeout: Duration) async throws(MMError)
        -> FilePiece?
    {
        guard let channel = try await openSFTP(timeout) else { return nil }
        do throws(MMError) {
            let place = try await place(of: path)
            guard let state = try await channel.state(of: place) else {
                throw MMError(
                    .notFound, "“\(path)” doesn't exist on \(session.name).",
                    hint: "Check the path; folders are made only when that is asked for.")
            }
            guard state.isFile else {
                throw MMError(.invalidInput, "“\(path)” on \(session.name) isn't a regular file.")
            }
            let piece = try await channel.read(place, from: offset, limit: limit, most: most)
            await channel.close()
            return piece
        } catch {
            await channel.close()
            throw error
        }
    }

    /// Writes by SFTP: beside the file first, then in its place in one step.
    /// - Returns: nil where the host has none.
    func writeBySFTP(
        _ path: String, _ source: FileSource, how: FileWriting, timeout: Duration,
        _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> FileReceipt? {
        guard let channel = try await openSFTP(timeout) else { return nil }
        do throws(MMError) {
            let receipt = try await write(path, source, how, channel, progress)
            await channel.close()
            return receipt
        } catch {
            await channel.close()
            throw error
        }
    }

    private func write(
        _ path: String, _ source: FileSource, _ how: FileWriting, _ channel: SFTPChannel,
        _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> FileReceipt {
        let place = try await place(of: path)
        let parts = place.split(separator: "/", omittingEmptySubsequences: false)
        let name = parts.last.map(String.init) ?? ""
        guard !name.isEmpty, name != ".", name != ".." else {
            throw MMError(.invalidInput, "“\(path)” isn't the path of a file.", hint: "Give the path of a file.")
        }
        let folder =
            parts.count == 1
            ? "." : parts.count == 2 && parts[0].isEmpty ? "/" : parts.dropLast().joined(separator: "/")
        if how.createsFolders { try await makeFolders(folder, channel) }
        guard let parent = try await channel.state(of: folder), parent.isFolder else {
            throw MMError(
                .notFound, "The folder of “\(path)” doesn't exist on \(session.name).",
                hint: "Check the path; folders are made only when that is asked for.")
        }
        let real = try await channel.realPath(folder)
        // A link stays one: what it leads to is written.
        let named = real == "/" ? "/" + name : real + "/" + name
        let target = (try? await channel.realPath(named)) ?? named
        let old = try await channel.state(of: target)
        if old?.isFolder == true {
            throw MMError(.invalidInput, "“\(path)” on \(session.name) is a folder.", hint: "Give the path of a file.")
        }
        if how.appends {
            let size = try await channel.append(source, to: target, permissions: how.permissions ?? 0o644, progress)
            if let permissions = how.permissions { try await channel.setPermissions(target, permissions) }
            return FileReceipt(path: target, size: size, digest: source.digest)
        }
        let words = target.split(separator: "/", omittingEmptySubsequences: false)
        let beside = words.dropLast().joined(separator: "/") + "/.\((words.last ?? "").prefix(100)).mm-"
        let drafts = session.masters.drafts
        let (record, isLeft) = await drafts.take(session.name, target, digest: source.digest) { beside + $0 }
        do throws(MMError) {
            try await fill(record.draft, isLeft: isLeft, source, asked: path, channel, progress)
            let kept = old.flatMap { $0.isFile ? $0.permissions : nil }.map { $0 & 0o7777 } ?? 0o644
            try await channel.setPermissions(record.draft, how.permissions ?? kept)
            try await channel.replace(target, by: record.draft)
            await drafts.done(record)
            return FileReceipt(path: target, size: source.count, digest: source.digest)
        } catch {
            // Also when the call was called off. What a lost connection leaves is gone on with the next time.
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

    /// Writes a draft, from where what is left of it ends, and compares its checksum.
    private func fill(
        _ draft: String, isLeft: Bool, _ source: FileSource, asked path: String, _ channel: SFTPChannel,
        _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) {
        if isLeft, let state = try await channel.state(of: draft), state.isFile, let size = state.size,
            size > 0, size <= UInt64(source.count)
        {
            try await channel.write(source, from: Int(size), to: draft, progress)
            if try await digest(of: draft, count: source.count, channel) == source.digest { return }
        }
        if isLeft { await channel.remove(draft) }
        try await channel.write(source, from: 0, to: draft, progress)
        guard try await digest(of: draft, count: source.count, channel) == source.digest else {
            throw MMError(
                .remoteFailed, "What arrived for “\(path)” does not match its checksum; nothing was changed.",
                hint: "Write it again.", retry: .now)
        }
    }

    /// The checksum of what arrived: by the host's own tool, else by reading it back.
    private func digest(of path: String, count: Int, _ channel: SFTPChannel) async throws(MMError) -> String {
        // A slow disk reads some megabytes a second.
        let time = Duration.seconds(60 + count >> 22)
        if let outcome = try? await channel.master.control(
            "sha256sum <\(RemoteDialect.quoted(path))", timeout: time),
            outcome.exit == .status(0), outcome.output.count >= 64
        {
            return String(decoding: outcome.output.prefix(64), as: UTF8.self)
        }
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

    /// A path as SFTP takes it: what is relative starts from the home folder there.
    private func place(of path: String) async throws(MMError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw MMError(.invalidInput, "The path is empty or contains a NUL character.")
        }
        if path.hasPrefix("/") { return path }
        if path.hasPrefix("~/") { return String(path.dropFirst(2)) }
        let directory = await session.workingDirectory
        return directory.isEmpty ? path : directory + "/" + path
    }

    private func openSFTP(_ timeout: Duration) async throws(MMError) -> SFTPChannel? {
        guard sudo == .none else { return nil }
        let master = try await session.connection(until: .after(timeout))
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
