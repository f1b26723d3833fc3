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
                    .notFound, "“\(path)” is not there on \(session.name).",
                    hint: "Check the path; folders are made only when that is asked for.")
            }
            guard state.isFile else {
                throw MMError(.invalidInput, "“\(path)” on \(session.name) is no regular file.")
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
        _ path: String, _ bytes: [UInt8], digest: String, how: FileWriting, timeout: Duration
    ) async throws(MMError) -> FileReceipt? {
        guard let channel = try await openSFTP(timeout) else { return nil }
        do throws(MMError) {
            let receipt = try await write(path, bytes, digest, how, channel)
            await channel.close()
            return receipt
        } catch {
            await channel.close()
            throw error
        }
    }

    private func write(
        _ path: String, _ bytes: [UInt8], _ digest: String, _ how: FileWriting, _ channel: SFTPChannel
    ) async throws(MMError) -> FileReceipt {
        let place = try await place(of: path)
        let parts = place.split(separator: "/", omittingEmptySubsequences: false)
        let name = parts.last.map(String.init) ?? ""
        guard !name.isEmpty, name != ".", name != ".." else {
            throw MMError(.invalidInput, "“\(path)” names no file.", hint: "Give the path of a file.")
        }
        let folder =
            parts.count == 1
            ? "." : parts.count == 2 && parts[0].isEmpty ? "/" : parts.dropLast().joined(separator: "/")
        if how.makesFolders { try await makeFolders(folder, channel) }
        guard let parent = try await channel.state(of: folder), parent.isFolder else {
            throw MMError(
                .notFound, "The folder of “\(path)” is not there on \(session.name).",
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
            let size = try await channel.write(target, bytes, appends: true, permissions: how.permissions ?? 0o644)
            if let permissions = how.permissions { try await channel.setPermissions(target, permissions) }
            return FileReceipt(path: target, size: size, digest: digest)
        }
        let words = target.split(separator: "/", omittingEmptySubsequences: false)
        let draft =
            words.dropLast().joined(separator: "/")
            + "/.\((words.last ?? "").prefix(100)).mm-\(Hex.text(RandomBytes.make(6)))"
        do throws(MMError) {
            let size = try await channel.write(draft, bytes, appends: false, permissions: 0o600)
            guard try await self.digest(of: draft, count: bytes.count, channel) == digest else {
                throw MMError(
                    .remoteFailed, "What arrived for “\(path)” does not match its checksum; nothing was changed.",
                    hint: "Write it again.", retry: .now)
            }
            let kept = old.flatMap { $0.isFile ? $0.permissions : nil }.map { $0 & 0o7777 } ?? 0o644
            try await channel.setPermissions(draft, how.permissions ?? kept)
            try await channel.replace(target, by: draft)
            return FileReceipt(path: target, size: size, digest: digest)
        } catch {
            await channel.remove(draft)
            throw error
        }
    }

    /// The checksum of what arrived: by the host's own tool, else by reading it back.
    private func digest(of path: String, count: Int, _ channel: SFTPChannel) async throws(MMError) -> String {
        let master = try await session.connection(until: .after(.seconds(60)))
        if let outcome = try? await master.control(
            "sha256sum <\(RemoteDialect.quoted(path))", timeout: .seconds(60)),
            outcome.exit == .status(0), outcome.output.count >= 64
        {
            return String(decoding: outcome.output.prefix(64), as: UTF8.self)
        }
        return try await channel.read(path, from: 0, limit: nil, most: count).digest
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
            throw MMError(.invalidInput, "The path is empty or holds a NUL character.")
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
