import MMCore
import MMDesk
import MMGuard
import MMShell

/// A folder of a drive on its way to this machine, file by file. A call that was broken off goes on where it stopped: what
/// is here already with the same content isn't fetched again.
struct FolderDownload {
    let transfer: FileTransfer
    let endpoint: String

    private var client: GuardedClient { transfer.client }
    private var context: OperationContext { transfer.context }

    private struct Part {
        let names: [String]
        let child: DriveFolder.Child
        let plan: FileDownload

        var path: String { names.joined(separator: "/") }
    }

    /// Fetches the folder.
    func run(to named: String) async throws(MMError) -> OperationAnswer {
        let local = try CallerFiles(context, transfer.services.shells).local()
        let place = try DriveFolder(try client.target(endpoint))
        let root = try await local.place(named, suggested: place.name).path
        var left: [(String, String)] = []
        let parts = try await list(place, &left)
        let total = parts.reduce(0) { $0 + ($1.child.size ?? 0) }
        let cleared = try await transfer.desk.clear(
            parts.flatMap(\.plan.requests), lines: ["to: \(root), \(parts.count) files, \(total) bytes"],
            parameters: ["to": .string(root)])

        var report = FolderReport(place: root, total: parts.count)
        for (path, reason) in left { report.leave(path, reason) }
        var seen = 0
        for part in parts {
            let size = part.child.size ?? 0
            do throws(MMError) {
                let path = root + "/" + part.path
                let spot = try await local.place(path, suggested: nil, createsFolders: true)
                guard spot.path == path else {
                    throw MMError(
                        .conflict, "“\(path)” leads elsewhere by a symbolic link.",
                        hint: "Links aren't followed: remove it, or choose another folder.")
                }
                let folder = try spot.folder.duplicate()
                if let hash = part.child.hash, let size = part.child.size,
                    try await FileReader.isThere(spot.name, in: folder, size: size, quickXorHash: hash)
                {
                    report.keep()
                } else {
                    report.move(try await fetch(part, by: cleared, spot, report, seen, total))
                }
            } catch {
                try report.fail(part.path, error)
            }
            seen += size
            context.call.progress(
                ProgressReport(
                    done: Double(seen), total: Double(total), message: "\(report.done) of \(parts.count) files"))
        }
        context.record.note("bytes", .int(Int64(report.bytes)))
        return report.answer("fetched", connection: transfer.connection)
    }

    /// Looks through the folder. Each request is judged before it is sent.
    private func list(_ place: DriveFolder, _ left: inout [(String, String)]) async throws(MMError) -> [Part] {
        var parts: [Part] = []
        var waiting: [[String]] = [[]]
        while let names = waiting.popLast() {
            let request = try client.listing(names, in: place)
            let cleared = try await transfer.desk.clear([request])
            let (client, deadline) = (client, context.deadline)
            let found = try await transfer.desk.signedIn { () async throws(MMError) in
                try await client.children(of: place, request, by: cleared, deadline: deadline)
            }
            guard let children = found else {
                guard names.isEmpty else { continue }
                throw MMError(
                    .notFound, "There is no folder at \(request.target.path).",
                    hint: "Look at what is there: mm graph \(ShellWord.quoted(transfer.connection.name)) "
                        + "/me/drive/root/children.")
            }
            for child in children {
                let here = names + [child.name]
                if let reason = child.reason {
                    left.append((here.joined(separator: "/"), reason))
                } else if child.isFolder {
                    waiting.append(here)
                } else {
                    let plan = try client.plan(downloading: place.endpoint(of: here))
                    parts.append(Part(names: here, child: child, plan: plan))
                }
            }
            context.call.progress(ProgressReport(done: 0, message: "\(parts.count) files found"))
        }
        return parts.sorted { $0.path < $1.path }
    }

    private func fetch(
        _ part: Part, by cleared: Cleared<[GraphRequest]>, _ spot: LocalFiles.Place, _ report: FolderReport,
        _ before: Int, _ total: Int
    ) async throws(MMError) -> Int {
        let (client, deadline, progress) = (client, context.deadline, context.call.progress)
        let conflict = transfer.input.conflict ?? .fail
        let head = "\(report.done + 1) of \(report.total): "
        let tell = FileTransfer.reports("fetched", of: spot.name) { told in
            progress(
                ProgressReport(
                    done: Double(before) + told.done, total: Double(total), message: head + told.message))
        }
        let receipt = try await transfer.desk.signedIn { () async throws(MMError) in
            try await client.download(
                part.plan, by: cleared, into: try spot.folder.duplicate(), name: spot.name, path: spot.path,
                conflict: conflict,
                deadline: deadline, progress: tell)
        }
        return receipt.size
    }
}
