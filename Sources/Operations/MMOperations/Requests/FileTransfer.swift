import MMCore
import MMDesk
import MMGuard
import MMShell
import MMSystem

/// A file given by name: sent from this machine, or fetched to it. Its bytes are never part of an answer.
struct FileTransfer {
    let desk: Desk
    let input: GraphRequestInput
    let services: TransferServices

    var context: OperationContext { desk.context }
    var client: GuardedClient { desk.client }
    var connection: Connection { desk.connection }

    /// Sends a file, or a folder.
    /// - Parameter resource: the service that it is sent to.
    func upload(
        _ named: String, to endpoint: String, of resource: RequestResource
    ) async throws(MMError) -> OperationAnswer {
        if input.recursive { try context.call.refusePlanning("Folders that are sent") }
        if input.recursive { return try await FolderUpload(transfer: self, endpoint: endpoint).run(named) }
        let converted = try await inForm(named, endpoint)
        let opened = try await CallerFiles(context, services.shells).open(converted?.handle ?? named)
        defer { if let converted { try? outputs.remove(converted.handle) } }
        let file = try FileReader(try opened.file.duplicate(), path: opened.path)
        let upload = try client.plan(uploading: file, to: endpoint, conflict: input.conflict ?? .fail)
        context.record.note("method", .string(upload.request.method))
        context.record.note("path", .string(upload.request.target.path))
        context.record.note("file", .string(file.name))
        if input.isDryRun { return try await forecast(upload) }
        if let planning = context.call.planning {
            guard let request = try await upload.wholeRequest() else { throw Self.tooLargeToPlan(file) }
            return try await planning.record([request], of: .named(resource), at: desk)
        }
        let cleared = try await desk.clear(
            [upload.request], lines: ["file: \(file.path), \(file.size) bytes"],
            parameters: ["file": .object(file.identity)]
        ) { WriteWatch.lines(of: [await write(upload)]) }
        context.record.note("bytes", .int(Int64(file.size)))
        let receipt = try await carryOut(
            upload, by: cleared, progress: Self.reports("sent", of: file.name, to: context.call.progress))
        guard var item = (try? JSONParser.parse(receipt))?.object else {
            return OperationAnswer(
                .value(["name": .string(file.name), "size": .int(Int64(file.size))]), connection: connection.name)
        }
        // A download URL works without a sign-in, so it is a secret.
        item.remove("@microsoft.graph.downloadUrl")
        item.remove("@content.downloadUrl")
        item.remove("contentBytes")
        return OperationAnswer(.json(JSONWriter.bytes(.object(item))), connection: connection.name)
    }

    private static func tooLargeToPlan(_ file: FileReader) -> MMError {
        MMError(
            .unsupported,
            "“\(file.path)” is too large for a plan: \(file.size) bytes. Nothing was planned.",
            hint: "A plan can contain a file that one request can send: up to 4 MB for a drive, 3 MB for a message.")
    }

    private var outputs: OutputStore { services.shells.work.outputs.of(context.call.caller) }

    /// Converts the rows behind a handle to the form that the call, or the name of the target file, asks for; `nil`
    /// where no conversion is needed.
    private func inForm(_ named: String, _ endpoint: String) async throws(MMError) -> StoredOutput? {
        guard named.hasPrefix("out_"), let stored = try? outputs.find(named), stored.unit == .rows else { return nil }
        let asked = context.call.caller.surface == .terminal ? nil : input.form
        let form = try RowForm.of(asked, file: endpoint.split(separator: "?").first.map(String.init))
        guard form != .json else { return nil }
        // Callers that may not use a connection may not send data that came from it.
        _ = try await CallerFiles(context, services.shells).open(named)
        let export = RowExport(
            context: context, services: services.shells, connection: stored.connection, form: form, replaces: false)
        let answer = try await export.write(ItemStream(of: stored, in: outputs), to: nil)
        guard case .value(let value) = answer.body, let handle = value["handle"]?.string else { return nil }
        return try outputs.find(handle)
    }

    /// Shows what an upload would change, and whether a file of that name is in its way.
    private func forecast(_ upload: FileUpload) async throws(MMError) -> OperationAnswer {
        var answer = try await WriteForecast(desk).answer([await write(upload)])
        if upload.conflict == .fail, let content = Change(contentOf: upload.request.target),
            Self.replaces(await watch.known(content, by: upload.request))
        {
            answer.notes.append(
                "A file with this name exists, which the service would not replace: use another name "
                    + "(--conflict replace or rename accepts this one).")
        }
        return answer
    }

    /// Whether a write replaces the content of a file that exists.
    private static func replaces(_ write: WriteWatch.Write) -> Bool {
        write.change?.kind == .content && write.change?.isBeforeKnown == true
    }

    private var watch: WriteWatch { desk.watch }

    /// Returns an upload with its change.
    private func write(_ upload: FileUpload) async -> WriteWatch.Write {
        guard let content = Change(contentOf: upload.request.target) else {
            return await watch.writes([upload.request])[0]
        }
        // If it wouldn't replace an existing file, no state has to be read.
        guard upload.conflict == .replace else {
            return WriteWatch.Write(request: upload.request, change: content.newFile)
        }
        let write = await watch.known(content, by: upload.request)
        if Self.replaces(write) { context.record.note("replaced", true) }
        return write
    }

    /// Sends a file, and records the change in the journal.
    /// - Returns: the service's answer.
    func carryOut(
        _ upload: FileUpload, by cleared: Cleared<[GraphRequest]>,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws(MMError) -> [UInt8] {
        let write = await write(upload)
        return try await desk.carryOut(upload, by: cleared, changing: write, progress: progress)
    }

    /// Fetches a file, or a folder.
    func download(_ endpoint: String, to named: String) async throws(MMError) -> OperationAnswer {
        if input.recursive { return try await FolderDownload(transfer: self, endpoint: endpoint).run(to: named) }
        let plan = try client.plan(downloading: endpoint)
        if named == Self.handleWord { return try await download(plan, endpoint) }
        let place = try await CallerFiles(context, services.shells).local().place(named, suggested: plan.name)
        let cleared = try await desk.clear(
            plan.requests, lines: ["to: \(place.path)"], parameters: ["to": .string(place.path)])
        let (deadline, report) = (context.deadline, Self.reports("fetched", of: place.name, to: context.call.progress))
        let conflict = input.conflict ?? .fail
        let receipt = try await desk.signedIn { () async throws(MMError) in
            try await client.download(
                plan, by: cleared, into: try place.folder.duplicate(), name: place.name, path: place.path,
                conflict: conflict,
                deadline: deadline, progress: report)
        }
        context.record.note("bytes", .int(Int64(receipt.size)))
        var value: JSONObject = ["path": .string(receipt.path), "size": .int(Int64(receipt.size))]
        if let hash = receipt.quickXorHash { value["quickXorHash"] = .string(hash) }
        if receipt.resumedAt > 0 { value["resumedAt"] = .int(Int64(receipt.resumedAt)) }
        return OperationAnswer(
            .value(.object(value)), text: "\(receipt.path): \(receipt.size) bytes, \(Self.check(of: receipt))",
            connection: connection.name)
    }

    /// The word for a handle in place of a path.
    private static let handleWord = "handle"

    /// Fetches a file into the store of answers, for callers that can't have files of their own: they get a handle,
    /// which `output` reads and `upload` sends.
    private func download(_ plan: FileDownload, _ endpoint: String) async throws(MMError) -> OperationAnswer {
        let cleared = try await desk.clear(
            plan.requests, lines: ["to: a handle"], parameters: ["to": .string(Self.handleWord)])
        let outputs = services.shells.work.outputs.of(context.call.caller)
        try ProtectedFile.makeDirectory(outputs.directory)
        let digest = Hex.text(SHA256.digest(Array("\(connection.name)\n\(endpoint)".utf8)).prefix(8))
        let place = try await LocalFiles(directory: outputs.directory, rules: FileRules())
            .place(".fetched-\(digest)", suggested: nil)
        let (deadline, name) = (context.deadline, plan.name ?? "the file")
        let report = Self.reports("fetched", of: name, to: context.call.progress)
        let receipt = try await desk.signedIn { () async throws(MMError) in
            try await client.download(
                plan, by: cleared, into: try place.folder.duplicate(), name: place.name, path: place.path,
                conflict: .replace,
                deadline: deadline, progress: report)
        }
        defer { try? ProtectedFile.remove(place.path) }
        let opened = try await LocalFiles(directory: outputs.directory, rules: FileRules()).open(place.path)
        let file = try FileReader(try opened.file.duplicate(), path: name)
        var writer = try outputs.begin(connection: connection.name)
        writer.isForeign = true
        var start = 0
        while start < file.size {
            let end = min(start + 1 << 20, file.size)
            let piece = try await file.read(start..<end)
            try writer.append(text: piece)
            start = end
        }
        let stored = try writer.finishText()
        context.record.note("bytes", .int(Int64(receipt.size)))
        var value: JSONObject = ["handle": .string(stored.handle), "size": .int(Int64(receipt.size))]
        if let name = plan.name { value["name"] = .string(name) }
        if let hash = receipt.quickXorHash { value["quickXorHash"] = .string(hash) }
        return OperationAnswer(
            .value(.object(value)), text: "\(stored.handle): \(receipt.size) bytes, \(Self.check(of: receipt))",
            connection: connection.name)
    }

    private static func check(of receipt: DownloadReceipt) -> String {
        receipt.quickXorHash.map { "as its QuickXorHash says (\($0))" } ?? "the service has no checksum"
    }

    /// Returns a function that reports the progress of a transfer.
    static func reports(
        _ verb: String, of name: String, to progress: @escaping @Sendable (ProgressReport) -> Void
    ) -> @Sendable (TransferProgress) -> Void {
        let bytes = ByteProgress(verb, of: name, to: progress)
        return { at in
            if let waiting = at.waiting { bytes.waits(waiting) } else { bytes.came(to: at.done, of: at.total) }
        }
    }
}

/// Sends a local folder to a drive, file by file. Repeating an interrupted call continues it: files that are already
/// there with the same content aren't sent again.
struct FolderUpload {
    let transfer: FileTransfer
    let endpoint: String

    private var client: GuardedClient { transfer.client }
    private var context: OperationContext { transfer.context }
    private var conflict: ConflictBehavior { transfer.input.conflict ?? .fail }

    /// One file, as it was when the guard judged the upload.
    private struct Part {
        let entry: LocalFolder.Entry
        let endpoint: String
        let identity: JSONObject
        let size: Int
    }

    /// Sends the folder.
    func run(_ named: String) async throws(MMError) -> OperationAnswer {
        let local = try CallerFiles(context, transfer.services.shells).local()
        let (descriptor, root) = try await CallerFiles.named(named, in: local) { (files) async throws(MMError) in
            try await files.open(named)
        }
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
            requests, lines: ["folder: \(root), \(parts.count.counted("file")), \(total) bytes"],
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
                    done: Double(sent), total: Double(total),
                    message: "\(report.done) of \(parts.count.counted("file"))"))
        }
        return report.answer("sent", connection: transfer.connection)
    }

    /// Throws for all names that the service would refuse, before anything is sent.
    private static func checkNames(_ folder: LocalFolder) throws(MMError) {
        var faults: [String] = []
        for entry in folder.files {
            if let fault = DriveNames.fault(in: entry.names) { faults.append("\(entry.path): \(fault)") }
        }
        for (one, other) in DriveNames.clashes(folder.files.map(\.path)) {
            faults.append("\(other): a drive treats it as the same name as \(one)")
        }
        guard !faults.isEmpty else { return }
        let more = faults.count > 10 ? " There are \(faults.count - 10) more." : ""
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
                .conflict, "“\(path)” is below a symbolic link.",
                hint: "Symbolic links aren't followed: remove the link, and try again.")
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

/// Fetches a folder of a drive to this machine, file by file. Repeating an interrupted call continues it: files that
/// are already here with the same content aren't fetched again.
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
        let (spot, content) = try await target(named, of: place, local)
        let root = spot.path
        var left: [(String, String)] = []
        let parts = try await list(place, &left)
        let total = parts.reduce(0) { $0 + ($1.child.size ?? 0) }
        let cleared = try await transfer.desk.clear(
            parts.flatMap(\.plan.requests), lines: ["to: \(root), \(parts.count.counted("file")), \(total) bytes"],
            parameters: ["to": .string(root)])

        var draft: DownloadDraft?
        if let content {
            draft = try DownloadDraft(
                in: try spot.folder.duplicate(), name: spot.name, path: root, content: content)
        }
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
                        .conflict, "“\(path)” is below a symbolic link.",
                        hint: "Symbolic links aren't followed: remove the link, or choose another folder.")
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
                    done: Double(seen), total: Double(total),
                    message: "\(report.done) of \(parts.count.counted("file"))"))
        }
        if report.isComplete { draft?.discard() }
        context.record.note("bytes", .int(Int64(report.bytes)))
        return report.answer("fetched", connection: transfer.connection)
    }

    /// Returns the place of the folder: in a folder that exists, under its own name; otherwise the one named, beside
    /// which a draft, identified by `content`, shows a later call that this one didn't complete it.
    private func target(
        _ named: String, of place: DriveFolder, _ local: LocalFiles
    ) async throws(MMError) -> (spot: LocalFiles.Place, content: String?) {
        let content = "\(transfer.connection.name)\n\(endpoint)"
        let itself = try? await local.place(named, suggested: nil, isFolder: true)
        if let itself, DownloadDraft.isBegun(itself.name, in: try itself.folder.duplicate(), content: content) {
            return (itself, content)
        }
        let spot = try await local.place(named, suggested: place.name)
        return (spot, spot.path == itself?.path ? content : nil)
    }

    /// Lists the folder recursively. Each request is judged before it is sent.
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
                    hint: "List what is there: mm graph \(ShellWord.quoted(transfer.connection.name)) "
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
            context.call.progress(ProgressReport(done: 0, message: "\(parts.count.counted("file")) found"))
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

/// The local files that a caller may name for a request: for the terminal, the user's own; for other callers, those
/// that the shells file makes accessible to their shells.
struct CallerFiles {
    private let call: ShellCallContext

    /// Reads the owner's settings.
    /// - Throws: `invalidInput` for an invalid shells file.
    init(_ context: OperationContext, _ services: ShellServices) throws(MMError) {
        call = try ShellCallContext(context, services)
    }

    /// Returns access to the files.
    func local() throws(MMError) -> LocalFiles {
        guard !call.context.isTerminal else { return SessionFiles.own(call) }
        let opening = call.opening
        if opening.startDirectory == DefaultWorkspace.path(call.services) { try DefaultWorkspace.make(call.services) }
        return LocalFiles(directory: opening.startDirectory, rules: opening.fileRules)
    }

    /// Opens a file that the caller names; a missing file is reported as invalid input.
    static func named<Value>(
        _ name: String, in files: LocalFiles, _ open: (LocalFiles) async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        do throws(MMError) { return try await open(files) } catch {
            guard error.code == .notFound else { throw error }
            throw MMError(
                .invalidInput, "There is no file \(name).",
                hint: name.hasPrefix("/") ? "Check the path." : "Check the name. The folder is \(files.directory).",
                details: ["file": .string(name)])
        }
    }

    /// Opens the file with a path or the handle of a stored answer.
    /// - Returns: the opened file and its path.
    func open(_ text: String) async throws(MMError) -> (file: OwnedDescriptor, path: String) {
        let outputs = call.services.work.outputs.of(call.context.call.caller)
        guard text.hasPrefix("out_"), let stored = try? outputs.find(text) else {
            return try await Self.named(text, in: local()) { (files) async throws(MMError) in
                try await files.open(text)
            }
        }
        // Callers that may not use a connection may not send data that came from it.
        if !stored.connection.hasPrefix("/") {
            _ = try call.services.work.registry.connection(named: stored.connection, in: call.context)
        } else if let server = call.context.call.caller.server, stored.connection != "/\(server)" {
            throw MMError(.notFound, "There is no stored output '\(text.prefix(40))'.", hint: "Run the request again.")
        }
        return try await LocalFiles(directory: outputs.directory, rules: FileRules()).open(outputs.path(of: stored))
    }
}
