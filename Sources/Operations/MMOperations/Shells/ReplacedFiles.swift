import MMCore
import MMShell

/// The journal's notes of files on hosts that calls replace, so that `mm undo` can put them back.
struct ReplacedFiles: Sendable {
    let call: ShellCallContext
    let sudo: SessionFiles.Sudo?

    private var context: OperationContext { call.context }
    private var journal: ChangeJournal { call.services.requests.journal }

    /// Writes a file and notes the replaced one: before the write, and how the write ended.
    func noting(
        on session: ShellSessionName, write: (FileKeeping) async throws(MMError) -> FileReceipt
    ) async throws(MMError) -> FileReceipt {
        let begun = Mutex<JournalEntry?>(nil)
        let keeping = FileKeeping(label: context.record.call) { (kept, left) async throws(MMError) in
            let entry = entry(Change(file: session.name, kept, left: left, rights: sudo.map { $0.secret ?? "" }))
            try await journal.begin(entry)
            begun.withLock { $0 = entry }
        }
        do throws(MMError) {
            let receipt = try await write(keeping)
            await end(begun.withLock { $0 }, .done)
            return receipt
        } catch {
            // If the connection was lost, it is unknown whether the file was replaced.
            await end(begun.withLock { $0 }, error.isRefusal ? .refused : .unknown, error.message)
            throw error
        }
    }

    /// Returns a journal entry of this call.
    func entry(_ change: Change, undoing: String? = nil) -> JournalEntry {
        JournalEntry(
            connection: "ssh:\(change.place)", call: context.record.call, within: context.call.partOf?.calls ?? [],
            session: context.call.sessionID, client: context.call.caller.journalName,
            principal: context.call.caller.signedIn?.id, request: "write \(change.subject.id)", change: change,
            undoes: undoing)
    }

    /// Notes how an entry ended.
    func end(_ entry: JournalEntry?, _ outcome: JournalEntry.Outcome, _ message: String? = nil) async {
        guard let entry else { return }
        if outcome == .done { context.record.note("change", .string(entry.id)) }
        do throws(MMError) {
            try await journal.end(entry, outcome, message: message)
        } catch {
            call.services.log.error("the end of \(entry.id) could not be noted in the journal: \(error.message)")
        }
    }
}

/// The undo of replaced files on hosts.
struct FileUndo: Sendable {
    let entries: [JournalEntry]
    let services: TransferServices
    let context: OperationContext

    /// Splits changes into those of files on hosts and others.
    static func split(_ entries: [JournalEntry]) -> (files: [JournalEntry], others: [JournalEntry]) {
        (entries.filter { $0.change.kind == .file }, entries.filter { $0.change.kind != .file })
    }

    /// Returns the files that would be put back.
    func forecast() -> OperationAnswer {
        context.record.note("dryRun", true)
        let rows = entries.map { row($0, "undo", "restored from \($0.change.keptFile?.kept.copy ?? "")") }
        return Self.answer(rows, "undo", notes: ["Dry run: nothing was changed."])
    }

    /// Puts the files back, newest first.
    /// - Parameter skips: whether files that can't be put back are only reported.
    func undo(skips: Bool) async throws(MMError) -> OperationAnswer {
        let claim = try await services.requests.journal.claim(entries.map(\.id), until: context.deadline)
        defer { claim.end() }
        var rows: [JSONValue] = []
        var left: [String] = []
        for entry in entries {
            do throws(MMError) {
                try await putBack(entry)
                rows.append(row(entry, "result", "undone"))
            } catch {
                guard entries.count > 1 || skips else { throw error }
                left.append("\(entry.id) \(error.message)")
                rows.append(row(entry, "result", error.message))
            }
        }
        var answer = Self.answer(rows, "result", notes: [])
        guard !left.isEmpty else { return answer }
        let text =
            "\(left.count) of \(entries.count) changes were not undone:\n\(left.prefix(3).joined(separator: "\n"))"
        answer.notes.append(text)
        if !skips { answer.missing = text }
        return answer
    }

    private func putBack(_ entry: JournalEntry) async throws(MMError) {
        let call = try ShellCallContext(context, services.shells)
        guard let (kept, left) = entry.change.keptFile else {
            throw MMError(.unsupported, "\(entry.id) does not say where the old file is kept.")
        }
        // Another call may have put it back while this one waited for the claim.
        let selection = try await UndoSelection(services.requests, in: context)
        guard !selection.isUndone(entry) else { throw MMError(.conflict, "\(entry.id) is already undone.") }
        let name = entry.change.place
        let (host, further) =
            name.lastIndex(of: "#").map { (String(name[..<$0]), String(name[$0...].dropFirst())) } ?? (name, nil)
        let session = NamedSession.host(try SSHTarget(named: host, user: nil, port: nil), further: further)
        let sudo = entry.change.fileRights.map { SessionFiles.Sudo(secret: $0.isEmpty ? nil : $0) }
        let notes = ReplacedFiles(call: call, sudo: sudo)
        var undoing = notes.entry(entry.change, undoing: entry.id)
        try await services.requests.journal.begin(undoing)
        do throws(MMError) {
            let now = try await SessionFiles(call: call, session: session, sudo: sudo).putBack(kept, replacing: left)
            undoing = undoing.left(Change(file: name, now, left: kept.digest, rights: entry.change.fileRights))
            await notes.end(undoing, .done)
        } catch {
            let isKnown = error.isRefusal || [.conflict, .denied, .confirmationNeeded, .notFound].contains(error.code)
            await notes.end(undoing, isKnown ? .refused : .unknown, error.message)
            throw error
        }
    }

    private func row(_ entry: JournalEntry, _ member: String, _ text: String) -> JSONValue {
        [
            "id": .string(entry.id), "connection": .string(entry.connection),
            "change": .string(VisibleText.exact(entry.change.title)), member: .string(text),
        ]
    }

    private static func answer(_ rows: [JSONValue], _ member: String, notes: [String]) -> OperationAnswer {
        OperationAnswer(.value(.array(rows)), notes: notes, columns: ["connection", "id", "change", member])
    }
}
