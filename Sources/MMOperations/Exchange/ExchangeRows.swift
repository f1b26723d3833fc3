import MMCore
import MMGraph
import MMNative
import MMStates

/// The rows of one cmdlet, page by page.
struct ExchangeRows: CmdletRows {
    private let source: ExchangeSource
    private var pages: ExchangePages
    private let command: ExchangeCommand
    private let errorAction: String?
    private let isPreview: Bool
    private let isAsking: Bool
    private let isSilent: Bool
    private var isNoted = false
    private var reader: ExchangeRowReader
    private var isOver = false

    init(
        source: ExchangeSource, pages: ExchangePages, command: ExchangeCommand, view: CmdletView?,
        errorAction: String?, isPreview: Bool, isAsking: Bool, isSilent: Bool
    ) {
        reader = ExchangeRowReader(view: view)
        self.source = source
        self.pages = pages
        self.command = command
        self.errorAction = errorAction
        self.isPreview = isPreview
        self.isAsking = isAsking
        self.isSilent = isSilent
    }

    mutating func next() async throws(CmdletFault) -> CmdletBatch? {
        guard !isOver else { return nil }
        var entry: JournalEntry?
        if !isNoted {
            entry = await source.begin(command)
            source.noteRequest(of: command)
        }
        isNoted = true
        let page: ExchangePage?
        do throws(ExchangeFault) {
            page = try await pages.next()
            await source.end(entry, .success(page))
        } catch {
            isOver = true
            await source.end(entry, .failure(error.mmError(of: source.connectionName, source.endpoint)))
            switch error {
            case .failed(let failure):
                source.note(failure: failure)
                let record = ExchangeRecord.of(failure, cmdlet: command.cmdlet)
                throw .interrupted(PipelineStop(endingWith: record))
            case .refused(let refusal):
                let record = ExchangeRecord.of(refusal)
                switch errorAction {
                case "stop": throw .interrupted(PipelineStop(endingWith: record))
                case "silentlycontinue", "ignore": return nil
                default:
                    // Storms and refused tokens are no matter of this object alone.
                    if [401, 429].contains(refusal.status) {
                        source.note(failure: refusal.mmError(of: source.connectionName, source.endpoint))
                        throw .interrupted(PipelineStop(endingWith: record))
                    }
                    // As in the module: an error of one object, and the next one's turn.
                    return CmdletBatch([], errors: [record])
                }
            }
        }
        guard let page else {
            isOver = true
            return nil
        }
        return batch(page)
    }

    private mutating func batch(_ page: ExchangePage) -> CmdletBatch {
        var objects: [PSValue] = []
        objects.reserveCapacity(page.rows.count)
        for row in page.rows {
            if let object = reader.object(row) { objects.append(object) }
        }
        var information: [String] = []
        if let words = page.confirmation {
            if isPreview { information.append("What if: \(words)") }
            if isAsking {
                information.append("Confirm: \(words) Nothing was done: run it again without -Confirm to do it.")
            }
        }
        source.note(information: information)
        return CmdletBatch(
            objects, warnings: reader.takeWarnings() + (isSilent ? [] : page.warnings),
            errors: errorAction == nil || errorAction == "continue" ? page.errors.map { ExchangeRecord.of($0) } : [],
            information: information)
    }
}
