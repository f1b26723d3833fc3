/// The results of `New-Object -ComObject`. Of the components that Windows scripts use, two are supported: one that asks
/// a question in a window, and one that finds the downloads folder, which is a folder of the run. All others are
/// refused.
///
/// There is no window: a script that changes something asks the question as any other, a report gets the safest button.
enum WindowsComponent {
    private static let shell = "WScript.Shell"
    private static let folders = "Shell.Application"

    private static func known(_ name: String) -> String? {
        [shell, folders].first { $0.lowercased() == name.lowercased() }
    }

    /// Returns whether a component with this name, in any case, is supported.
    static func isKnown(_ name: String) -> Bool { known(name) != nil }

    /// Returns a component.
    static func made(_ name: String, of command: CommandSpecification) throws(Interrupt) -> PSValue {
        guard let known = self.known(name),
            let object = PSObject([], typeName: known, isCustom: false)
        else {
            throw .fatal(
                NativeError(
                    command.errorID("NoCOMClassIdentified"),
                    "The script uses \(name), a component of Windows (New-Object -ComObject), which isn't available: run it on "
                        + "Windows, or without that part.",
                    isReadable: true))
        }
        return .object(object)
    }

    /// Calls a method of a component; `nil` if the target isn't one.
    static func call(
        _ target: PSObject, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        if target.typeName == folders, method == "namespace", arguments.count == 1 {
            return try folder(try PSText.string(arguments[0]))
        }
        guard target.typeName == shell else { return nil }
        guard method == "popup", let text = arguments.first, arguments.count <= 4 else {
            throw .fatal(
                NativeError(
                    "MethodNotFound",
                    "\(shell) has no method \(method) here, because there are no windows and programs.",
                    isReadable: true))
        }
        var buttons = 0
        if arguments.count == 4, case .int(let number) = arguments[3] { buttons = Int(number) & 0xF }
        evaluator.endLine()
        let safe = Self.safe(of: buttons)
        guard !evaluator.onlyReads, buttons > 0, let host = evaluator.host else {
            evaluator.say(try PSText.string(text) + " (no window here: \(safe.name))")
            return .int(safe.number)
        }
        let choices = Self.buttons[buttons] ?? [safe]
        let words = choices.map(\.name).joined(separator: ", ")
        let answer = try host.answer(
            evaluator.assigning ?? "Answer", question: "\(try PSText.string(text)) (\(words))",
            in: evaluator
        ).lowercased()
        if answer.isEmpty { return .int(safe.number) }
        // A button is named by its word or its first letter.
        let named = choices.filter { $0.name.lowercased() == answer || $0.name.lowercased().prefix(1) == answer }
        guard named.count == 1 else {
            throw .fatal(
                NativeError("Popup", "“\(answer)” is not one of the answers \(words).", isReadable: true))
        }
        return .int(named[0].number)
    }

    /// Returns one of Windows' own folders by its shell name: a folder of the run.
    private static func folder(_ name: String) throws(Interrupt) -> PSValue {
        let word = name.lowercased().split(separator: ":").last.map(String.init) ?? ""
        let known = [
            "downloads": "Downloads", "desktop": "Desktop", "personal": "Documents", "mydocuments": "Documents",
        ]
        guard name.lowercased().hasPrefix("shell:"), let folder = known[word],
            let item = PSObject([("Path", .string("Home\\\(folder)")), ("Name", .string(folder))]),
            let space = PSObject([("Self", .object(item)), ("Title", .string(folder))])
        else { throw .handOver("the folder \(name) of Windows") }
        return .object(space)
    }

    private typealias Button = (number: Int32, name: String)

    private static let (ok, cancel, retry): (Button, Button, Button) = ((1, "OK"), (2, "Cancel"), (4, "Retry"))
    private static let (yes, no): (Button, Button) = ((6, "Yes"), (7, "No"))

    /// The buttons of a window, keyed by the number of their set (Windows Script Host, `Popup`); that which changes
    /// nothing is the last.
    private static let buttons: [Int: [Button]] = [
        0: [ok], 1: [ok, cancel], 2: [retry, (5, "Ignore"), (3, "Abort")], 3: [yes, no, cancel], 4: [yes, no],
        5: [retry, cancel], 6: [(10, "Try Again"), (11, "Continue"), cancel],
    ]

    /// Returns the button that changes nothing.
    private static func safe(of set: Int) -> Button { buttons[set]?.last ?? ok }
}
