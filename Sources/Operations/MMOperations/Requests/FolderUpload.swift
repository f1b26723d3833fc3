import MMCore
import MMDesk
import MMGuard
import MMShell
import MMSystem

/// A folder of this machine on its way into a drive, file by file. A call that was broken off goes on where it stopped:
/// what is there already with the same content isn't sent again.
struct FolderUpload {
    let transfer: FileTransfer
    let endpoint: String

    private var client: GuardedClient { transfer.client }
    private var context: OperationContext { transfer.context }
    private var conflict: ConflictBehavior { transfer.input.conflict ?? .fail }

    /// One file, as it was when the guard judged it.
    private struct Part {
        let entry: LocalFolder.Entry
        let endpoint: String
        let identity: JSONObject
        let size: Int
    }

    /// Sends the folder.
    func run(_ named: String) async throws(MMError) -> OperationAnswer {
        let local = try CallerFiles(context, transfer.services.shells).local()
        let opened = try await local.open(named)
        let (descriptor, root) = (opened.file, opened.path)
        let folder = try await BlockingWork.run { () throws(MMError) in
            try LocalFolder(descriptor.duplicate(), path: root)
        }
        try Self.checkNames(folder)
        let name = root.split(separator: "/").last.map(String.init)
        let place = try DriveFolder(
            try client.target(endpoint), placing: name, isContainer: endpoint.prefix { $0 != "?" }.hasSuffix("/"))
        let (parts, requests) = try await plan(folder, at: root, local, place)
        let total = parts.reduce(0) { $0 + $1.size }
        let digest = SHA256.digest(JSONWriter.bytes(.array(parts.map { JSONValue.object($0.identity) })))
        let cleared = try await transfer.desk.clear(
            requests, lines: ["folder: \(root), \(parts.count) files, \(total) bytes"],
            parameters: ["files": .string(Hex.text(digest))])
        context.record.note("bytes", .int(Int64(total)))

        var report = FolderReport(place: place.endpoint(of: []), total: parts.count)
        for entry in folder.leftOut { report.leave(entry.path, entry.reason ?? "") }
        var listed: (names: [String], children: [String: DriveFolder.Child])?
        var sent = 0
        for part in parts {
            let above = Array(part.entry.names.dropLast())
            do throws(MMError) {
                if listed?.names != above {
                    let found = try await children(of: above, in: place, by: cleared)
                    listed = (above, found)
                }
                let there = listed?.children[(part.entry.names.last ?? "").lowercased()]
                let file = try await reader(part.entry, at: root, local)
                guard JSONValue.object(file.identity) == .object(part.identity) else {
                    throw MMError(.conflict, "“\(file.path)” changed since the call began.", hint: "Send it again.")
                }
                if let there, try await isSame(file, there) {
                    report.keep()
                } else {
                    try await send(file, to: part.endpoint, by: cleared, report, sent, total)
                    report.move(part.size)
                }
            } catch {
                try report.fail(part.entry.path, error)
            }
            sent += part.size
            context.call.progress(
                ProgressReport(
                    done: Double(sent), total: Double(total), message: "\(report.done) of \(parts.count) files"))
        }
        return report.answer("sent", connection: transfer.connection)
    }

    /// Says of all names that the service refuses before anything is sent.
    private static func checkNames(_ folder: LocalFolder) throws(MMError) {
        var faults: [String] = []
        for entry in folder.files {
            if let fault = DriveNames.fault(in: entry.names) { faults.append("\(entry.path): \(fault)") }
        }
        for (one, other) in DriveNames.clashes(folder.files.map(\.path)) {
            faults.append("\(other): a drive doesn't tell it from \(one)")
        }
        guard !faults.isEmpty else { return }
        let more = faults.count > 10 ? " And \(faults.count - 10) more." : ""
        throw MMError(
            .invalidInput,
            "\(faults.count) of \(folder.files.count) files have names that OneDrive and SharePoint refuse. Nothing was "
                + "sent. \(faults.prefix(10).joined(separator: "; ")).\(more)",
            hint: "Rename them.", details: ["faults": .array(faults.prefix(1000).map { .string($0) })])
    }

    private func plan(
        _ folder: LocalFolder, at root: String, _ local: LocalFiles, _ place: DriveFolder
    ) async throws(MMError) -> ([Part], [GraphRequest]) {
        var parts: [Part] = []
        var (uploads, listings): ([GraphRequest], [GraphRequest]) = ([], [])
        var listed: Set<[String]> = []
        for entry in folder.files {
            let above = Array(entry.names.dropLast())
            if listed.insert(above).inserted { listings.append(try client.listing(above, in: place)) }
            let file = try await reader(entry, at: root, local)
            let endpoint = place.endpoint(of: entry.names)
            uploads.append(try client.plan(uploading: file, to: endpoint, conflict: conflict).request)
            parts.append(Part(entry: entry, endpoint: endpoint, identity: file.identity, size: file.size))
        }
        return (parts, uploads + listings)
    }

    private func reader(
        _ entry: LocalFolder.Entry, at root: String, _ local: LocalFiles
    ) async throws(MMError) -> FileReader {
        let path = (root == "/" ? "" : root) + "/" + entry.path
        let opened = try await local.open(path)
        guard opened.path == path else {
            throw MMError(
                .conflict, "“\(path)” leads elsewhere by a symbolic link.", hint: "Links aren't followed: try again.")
        }
        return try FileReader(try opened.file.duplicate(), path: opened.path)
    }

    private func children(
        of names: [String], in place: DriveFolder, by cleared: Cleared<[GraphRequest]>
    ) async throws(MMError) -> [String: DriveFolder.Child] {
        let (client, deadline) = (client, context.deadline)
        let request = try client.listing(names, in: place)
        let found = try await transfer.desk.signedIn { () async throws(MMError) in
            try await client.children(of: place, request, by: cleared, deadline: deadline)
        }
        return Dictionary((found ?? []).map { ($0.name.lowercased(), $0) }) { $1 }
    }

    private func isSame(_ file: FileReader, _ there: DriveFolder.Child) async throws(MMError) -> Bool {
        guard !there.isFolder, there.size == file.size, let hash = there.hash else { return false }
        let own = try await file.quickXorHash()
        return own == hash
    }

    private func send(
        _ file: FileReader, to endpoint: String, by cleared: Cleared<[GraphRequest]>, _ report: FolderReport,
        _ before: Int, _ total: Int
    ) async throws(MMError) {
        let upload = try client.plan(uploading: file, to: endpoint, conflict: conflict)
        let progress = context.call.progress
        let head = "\(report.done + 1) of \(report.total): "
        let tell = FileTransfer.reports("sent", of: file.name) { told in
            progress(
                ProgressReport(
                    done: Double(before) + told.done, total: Double(total), message: head + told.message))
        }
        _ = try await transfer.carryOut(upload, by: cleared, progress: tell)
    }
}
