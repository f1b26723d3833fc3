import MMCore
import MMDesk
import MMGuard
import MMShell

/// A file by reference: sent from this machine, or fetched to it. Its bytes never pass through an answer.
struct FileTransfer {
    let desk: Desk
    let input: GraphRequestInput
    let services: TransferServices

    var context: OperationContext { desk.context }
    var client: GuardedClient { desk.client }
    var connection: Connection { desk.connection }

    /// Sends a file, or a folder.
    func upload(_ named: String, to endpoint: String) async throws(MMError) -> OperationAnswer {
        if input.recursive { return try await FolderUpload(transfer: self, endpoint: endpoint).run(named) }
        let converted = try await inForm(named, endpoint)
        let opened = try await CallerFiles(context, services.shells).open(converted?.handle ?? named)
        defer { if let converted { try? outputs.remove(converted.handle) } }
        let file = try FileReader(try opened.file.duplicate(), path: opened.path)
        let upload = try client.plan(uploading: file, to: endpoint, conflict: input.conflict ?? .fail)
        context.record.note("method", .string(upload.request.method))
        context.record.note("path", .string(upload.request.target.path))
        context.record.note("file", .string(file.name))
        if input.isDryRun { return try await WriteForecast(desk).answer([await write(upload)]) }
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
        // An address that fetches the file without a sign-in is a secret.
        item.remove("@microsoft.graph.downloadUrl")
        item.remove("@content.downloadUrl")
        item.remove("contentBytes")
        return OperationAnswer(.json(JSONWriter.bytes(.object(item))), connection: connection.name)
    }

    private var outputs: OutputStore { services.shells.work.outputs.of(context.call.caller) }

    /// The rows behind a handle in the form that the call, or the name of the file there, asks for; `nil` where nothing is to be
    /// turned into anything.
    private func inForm(_ named: String, _ endpoint: String) async throws(MMError) -> StoredOutput? {
        guard named.hasPrefix("out_"), let stored = try? outputs.find(named), stored.unit == .rows else { return nil }
        let asked = context.call.caller.surface == .terminal ? nil : input.form
        let form = try RowForm.of(asked, file: endpoint.split(separator: "?").first.map(String.init))
        guard form != .json else { return nil }
        // Who may not use a connection may not send what came from it.
        _ = try await CallerFiles(context, services.shells).open(named)
        let export = RowExport(
            context: context, services: services.shells, connection: stored.connection, form: form, replaces: false)
        let answer = try await export.write(ItemStream(of: stored, in: outputs), to: nil)
        guard case .value(let value) = answer.body, let handle = value["handle"]?.string else { return nil }
        return try outputs.find(handle)
    }

    private var watch: WriteWatch { desk.watch }

    /// An upload with what it changes.
    private func write(_ upload: FileUpload) async -> WriteWatch.Write {
        let (target, name) = (upload.request.target, upload.file.name)
        guard let new = Change(uploadTo: target, name: name, replacing: nil) else {
            return await watch.writes([upload.request])[0]
        }
        // Where it would not replace what is there, nothing has to be read.
        guard upload.conflict == .replace else { return WriteWatch.Write(request: upload.request, change: new) }
        var change = new
        switch await watch.found(Change.itemPath(ofUpload: target)) {
        case .success(let existing):
            change = Change(uploadTo: target, name: name, replacing: existing) ?? new
            if existing != nil { context.record.note("replaced", true) }
        case .failure(let error):
            change = new.notKept(because: "whether it replaced a file could not be read: \(error.message)")
        }
        return WriteWatch.Write(request: upload.request, change: change)
    }

    /// Sends a file, and notes it in the journal.
    /// - Returns: what the service answered.
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

    /// The word that stands for a handle in the place of a path.
    private static let handleWord = "handle"

    /// Fetches a file into the store of answers, for callers that have no files of their own: they get a handle, which
    /// `output` reads and `upload` sends.
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
        receipt.quickXorHash.map { "as its QuickXorHash says (\($0))" } ?? "the service names no checksum"
    }

    /// Tells of a long transfer.
    static func reports(
        _ verb: String, of name: String, to progress: @escaping @Sendable (ProgressReport) -> Void
    ) -> @Sendable (TransferProgress) -> Void {
        let bytes = ByteProgress(verb, of: name, to: progress)
        return { at in
            if let waiting = at.waiting { bytes.waits(waiting) } else { bytes.came(to: at.done, of: at.total) }
        }
    }
}
