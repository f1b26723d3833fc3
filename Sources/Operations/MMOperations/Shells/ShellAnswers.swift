import MMCore
import MMDesk
import MMShell

extension OperationAnswer {
    /// Returns the answer about a command.
    static func report(
        _ task: ShellTask, _ context: OperationContext, prompt: ShellPrompt? = nil, more: JSONObject = [:]
    ) async -> OperationAnswer {
        let report = await ShellReport(storing: task, room: ShellReport.room(for: context), prompt: prompt)
        var object = report.json
        for (key, value) in more { object[key] = value }
        return OperationAnswer(.value(.object(object)), notes: context.call.caller.surface == .mcp ? [] : report.notes)
    }

    /// Returns the answer with a device's output.
    static func device(_ answer: ScreenSession.Answer, _ member: ShellSessions.Member, isTerminal: Bool)
        -> OperationAnswer
    {
        var object: JSONObject = [
            "session": .string(member.key.name), "kind": "device", "host": .string(member.host ?? ""),
            "status": answer.question == nil ? "exited" : "awaiting_input", "exit_code": answer.error == nil ? 0 : 1,
            "stdout": .string(answer.text), "prompt": .string(answer.question ?? answer.prompt),
        ]
        if let error = answer.error { object["error"] = .string(error) }
        var made = OperationAnswer(.value(.object(object)))
        if isTerminal {
            made.exitStatus = answer.error == nil ? 0 : 1
            if let question = answer.question {
                made.notes = [
                    "The program asks: \(question)",
                    "Answer it: mm ssh write --host \(ShellWord.quoted(member.key.name)) --text '…' (empty text presses Enter).",
                ]
            }
            made.text = answer.text
            made.isVerbatim = true
        }
        return made
    }

    /// Returns the screen of a device, or the output that a shell's background jobs wrote between commands.
    /// - Parameter isScreen: whether nothing but a screen is wanted.
    /// - Throws: `invalidInput` for the screen of a shell, which only commands have.
    static func display(
        _ session: NamedSession, in shells: ShellSessions, _ context: OperationContext, isScreen: Bool = false
    ) async throws(MMError) -> OperationAnswer {
        let member = try await shells.existing(session.key(of: context.call.shellOwner))
        switch member.body {
        case .screen(let screen): return shown(screen.view, ["session": .string(member.key.name)])
        case .shell where isScreen:
            throw MMError(
                .invalidInput, "No command is running in this session, so there is no screen.",
                hint: "Give `job`, the handle that run answered with (cmd-…).")
        case .shell(let shell):
            let (bytes, end) = member.unread.adding(await shell.takeBackgroundOutput())
            let written = ShellText(bytes, isRead: context.call.caller.surface == .mcp)
            let clean = Redactor(known: member.secrets).text(written.text)
            var object: JSONObject = [
                "session": .string(member.key.name), "stream": "background", "total": .int(Int64(bytes.count)),
                "text": .string(clean),
            ]
            if let form = written.encoding { object["encoding"] = .string(form.rawValue) }
            var answer = OperationAnswer(.value(.object(object)), verbatim: context.isTerminal ? clean : nil)
            answer.delivery = Delivery { () async throws(MMError) in member.unread.drop(until: end) }
            return answer
        }
    }

    /// Returns the screen of a command's terminal.
    static func display(_ task: ShellTask) -> OperationAnswer {
        let size = task.job.command.size ?? ShellCommand.Size(rows: 24, columns: 80)
        var screen = Screen(rows: size.rows, columns: size.columns)
        let total = task.job.page(.terminal, from: 0, limit: 0).total
        screen.write(task.job.page(.terminal, from: max(0, total - (256 << 10)), limit: 256 << 10).bytes)
        return shown(screen, ["job": .string(task.handle), "status": .string(ShellReport(task: task, room: 0).status)])
    }

    private static func shown(_ screen: Screen, _ head: JSONObject) -> OperationAnswer {
        var object = head
        object["screen"] = .string(screen.text)
        object["cursor"] = ["row": .int(Int64(screen.cursor.row)), "column": .int(Int64(screen.cursor.column))]
        object["alternate"] = .bool(screen.isAlternate)
        return OperationAnswer(.value(.object(object)), verbatim: screen.text)
    }
}
