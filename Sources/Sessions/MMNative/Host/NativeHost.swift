import MMCore

/// The resources that a script may use on the machine that runs it: files that exist only in its run, and questions to
/// the person who started it. Every path that it names, wherever it leads, is a file of the run.
package final class NativeHost: Sendable {
    /// A file of a run.
    package struct File: Sendable {
        /// The path as the script wrote it.
        package let path: String
        /// The content.
        package internal(set) var bytes: [UInt8]
        /// Whether the script wrote the file; otherwise it was passed in.
        package internal(set) var isWritten: Bool
        /// What the bytes hold if the script wrote a workbook.
        var workbook: Workbook?

        /// Its name without folders.
        package var name: String { NativeHost.parts(of: path).last.map(String.init) ?? "file" }
    }

    private struct State {
        var files: [String: File] = [:]
        var order: [String] = []
        var folders: Set<String> = [""]
        var size = 0
        /// How often each question was asked in this run.
        var questions: [String: Int] = [:]
        var remarks: [String] = []
    }

    /// The name of the script's own file.
    package let scriptName: String
    /// Whether the run only shows what another would do.
    let isRehearsal: Bool
    private let answers: [String: String]
    private let ask: (@Sendable (String, Bool) async -> String?)?
    /// The answers of a person, which a rehearsal and the run after it share, so that each question is asked once.
    private let person: PersonAnswers
    private let progress: @Sendable (String) -> Void
    private let state: Mutex<State>

    /// The maximum total size of a run's files.
    private static let mostBytes = 256 << 20

    /// Creates a host for one run.
    /// - Parameters:
    ///   - scriptName: the name of the script's own file.
    ///   - attached: the files that are passed in, by name.
    ///   - answers: answers to questions, by the name of the variable that takes them.
    ///   - isRehearsal: whether the run only shows what another would do.
    ///   - progress: receives the script's progress messages.
    ///   - ask: asks a person a question, which may be for a secret; `nil` if no person can be asked.
    package convenience init(
        scriptName: String = "script.ps1", attached: [(name: String, bytes: [UInt8])] = [],
        answers: [String: String] = [:], isRehearsal: Bool = false,
        progress: @escaping @Sendable (String) -> Void = { _ in },
        ask: (@Sendable (String, Bool) async -> String?)? = nil
    ) {
        self.init(
            scriptName, attached, answers, PersonAnswers(), isRehearsal: isRehearsal, progress: progress, ask: ask)
    }

    private init(
        _ scriptName: String, _ attached: [(name: String, bytes: [UInt8])], _ answers: [String: String],
        _ person: PersonAnswers, isRehearsal: Bool, progress: @escaping @Sendable (String) -> Void,
        ask: (@Sendable (String, Bool) async -> String?)?
    ) {
        self.scriptName = scriptName
        self.isRehearsal = isRehearsal
        self.person = person
        self.answers = Dictionary(
            answers.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
        self.ask = ask
        self.progress = progress
        var state = State()
        for (name, bytes) in attached {
            let key = Self.key(name)
            state.files[key] = File(path: name, bytes: bytes, isWritten: false)
            state.order.append(key)
        }
        self.state = Mutex(state)
    }

    /// A host with the same files, answers and person, for a rehearsal that only shows what a run would do. What the
    /// person answers there holds for the run as well.
    package var forRehearsal: NativeHost {
        let attached = state.withLock { state in
            state.order.compactMap { state.files[$0] }.filter { !$0.isWritten }.map { ($0.path, $0.bytes) }
        }
        return NativeHost(
            scriptName, attached, answers, person, isRehearsal: true, progress: { _ in }, ask: ask)
    }

    /// Begins a run of the script, in which a person's earlier answers are given in the order of the questions.
    func begin() { state.withLock { $0.questions = [:] } }

    /// The files that the script wrote, in order.
    package var written: [File] {
        state.withLock { state in state.order.compactMap { state.files[$0] }.filter(\.isWritten) }
    }

    /// What the run says about itself, apart from what the script says.
    package var remarks: [String] { state.withLock { $0.remarks } }

    /// Adds a remark, once.
    func remark(_ text: String) {
        state.withLock { state in if !state.remarks.contains(text) { state.remarks.append(text) } }
    }

    /// Reports the script's progress.
    func show(_ text: String) { progress(text) }

    /// Returns an environment variable with which scripts find folders: each is a folder of the run.
    func environment(_ name: String) -> String? {
        switch name.lowercased() {
        case "temp", "tmp", "localappdata", "appdata", "programdata": "Temp"
        case "userprofile", "homepath", "home", "public", "onedrive", "onedrivecommercial": "Home"
        case "homedrive", "systemdrive": "C:"
        case "username", "user": "user"
        case "computername", "hostname": "localhost"
        case "userdomain", "userdnsdomain": "localhost"
        default: nil
        }
    }

    // MARK: Questions

    /// Returns the answer to a question: the caller's if given, otherwise a person's.
    /// - Parameter name: the variable that takes it, or the words of the question.
    func answer(_ name: String, question: String? = nil, isSecret: Bool, in evaluator: Evaluator) throws(Interrupt)
        -> String
    {
        if let known = answers[name.lowercased()] { return known }
        let words = question ?? name
        let place = state.withLock { state in
            defer { state.questions[words, default: 0] += 1 }
            return state.questions[words, default: 0]
        }
        if let earlier = person.answer(to: words, at: place) { return earlier }
        if let ask {
            // The person has to see what the script said before it asks.
            let shown = evaluator.delivery.saidSinceQuestion() + [words]
            let box = Mutex<String?>(nil)
            try evaluator.delivery.perform {
                let answer = await ask(shown.joined(separator: "\n"), isSecret)
                box.withLock { $0 = answer }
            }
            if let answer = box.withLock({ $0 }) {
                person.note(answer, to: words)
                return answer
            }
        }
        // Without a person, two kinds of questions are answered as if only Enter was pressed: those whose answer only
        // opens something, and pauses of a script that only reads. Before a change, a pause is the last moment to stop,
        // so it isn't answered.
        if evaluator.idleQuestions.opening.contains(name.lowercased()) {
            remark("There is nobody to answer “\(words)”, which only opens something: assumed no.")
            return ""
        }
        if evaluator.isPause, evaluator.onlyReads {
            remark("There is nobody to answer “\(words)”, which only waits: assumed Enter.")
            return ""
        }
        throw .unanswered(
            NativeError(
                "ReadHost",
                "The script asks “\(words)”, and there is nobody to answer: set --param \(name)=…",
                isReadable: true))
    }

    // MARK: Files

    /// Returns the key of a path among the files of the run: without drives and dots, in lower case.
    static func key(_ path: String) -> String { parts(of: path).joined(separator: "/").lowercased() }

    /// Returns the components of a path, as written.
    private static func parts(of path: String) -> [Substring] {
        var parts: [Substring] = []
        for part in path.split(whereSeparator: { $0 == "/" || $0 == "\\" }) {
            switch part {
            case ".", "~": continue
            case "..": _ = parts.popLast()
            default: if part.hasSuffix(":") { continue } else { parts.append(part) }
            }
        }
        return parts
    }

    /// Returns the files whose paths match a wildcard pattern.
    func files(like pattern: String, in evaluator: Evaluator) throws(Interrupt) -> [File] {
        let wildcard = try evaluator.wildcard(Self.key(pattern), ignoringCase: true)
        var found: [File] = []
        for (key, file) in all where try wildcard.matches(key) { found.append(file) }
        return found
    }

    private var all: [(String, File)] {
        state.withLock { state in state.order.compactMap { key in state.files[key].map { (key, $0) } } }
    }

    /// Returns the files below a folder.
    func files(in folder: String) -> [File] {
        let key = Self.key(folder)
        return all.filter { key.isEmpty || $0.0.hasPrefix(key + "/") }.map(\.1)
    }

    /// Returns the number of components of a path.
    static func depth(_ path: String) -> Int { parts(of: path).count }

    /// Returns whether a folder has folders in it.
    func hasFolders(in folder: String) -> Bool {
        let start = Self.key(folder).isEmpty ? "" : Self.key(folder) + "/"
        return state.withLock { state in
            state.folders.contains { !$0.isEmpty && $0.hasPrefix(start) && $0 != start }
                || state.files.keys.contains { $0.hasPrefix(start) && $0.dropFirst(start.count).contains("/") }
        }
    }

    /// Returns a file's content; `nil` if there is no such file. A file that was passed in is also found by its name
    /// alone.
    package func read(_ path: String) -> [UInt8]? {
        let key = Self.key(path)
        return state.withLock { state in
            if let file = state.files[key] { return file.bytes }
            let name = key.split(separator: "/").last.map(String.init) ?? key
            return state.files[name].flatMap { $0.isWritten ? nil : $0.bytes }
        }
    }

    /// Returns whether there is a file or folder at a path.
    func exists(_ path: String) -> Bool { isFolder(path) || read(path) != nil }

    /// Returns whether a path is a folder of the run.
    func isFolder(_ path: String) -> Bool {
        let key = Self.key(path)
        return state.withLock { state in
            state.folders.contains(key) || state.files.keys.contains { $0.hasPrefix(key + "/") }
        } || ["temp", "home", "home/downloads", "home/desktop", "home/documents"].contains(key)
    }

    func makeFolder(_ path: String) { state.withLock { _ = $0.folders.insert(Self.key(path)) } }

    /// Returns the workbook that the script wrote to a path.
    func workbook(at path: String) -> Workbook? { state.withLock { $0.files[Self.key(path)]?.workbook } }

    /// Returns whether a command's name is that of the script's own file, with or without its folder.
    func isOwnScript(_ name: String) -> Bool {
        name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init)?.lowercased()
            == scriptName.lowercased()
    }

    /// Writes a workbook.
    func write(_ workbook: Workbook, to path: String) throws(Interrupt) {
        try write(workbook.bytes, to: path, isAppending: false)
        state.withLock { $0.files[Self.key(path)]?.workbook = workbook }
    }

    /// Writes a file, or appends to it.
    func write(_ bytes: [UInt8], to path: String, isAppending: Bool) throws(Interrupt) {
        let key = Self.key(path)
        guard !key.isEmpty else { throw .handOver("a file without a name") }
        let fits = state.withLock { state in
            let old = state.files[key]?.bytes ?? []
            let size = state.size + bytes.count - (isAppending ? 0 : old.count)
            guard size <= Self.mostBytes else { return false }
            state.size = size
            if state.files[key] == nil { state.order.append(key) }
            state.files[key] = File(path: path, bytes: isAppending ? old + bytes : bytes, isWritten: true)
            return true
        }
        guard fits else {
            throw .fatal(NativeError("FilesTooLarge", "The files of the script are too large.", isReadable: true))
        }
    }

    /// Writes a service's answer to a file.
    package func keep(_ bytes: [UInt8], as path: String) {
        let key = Self.key(path)
        guard !key.isEmpty else { return }
        state.withLock { state in
            if state.files[key] == nil { state.order.append(key) }
            state.files[key] = File(path: path, bytes: bytes, isWritten: true)
        }
    }

    func remove(_ path: String) {
        let key = Self.key(path)
        state.withLock { state in
            state.files[key] = nil
            state.folders.remove(key)
            guard !key.isEmpty else { return }
            // Removing a folder removes its contents.
            state.files = state.files.filter { !$0.key.hasPrefix(key + "/") }
            state.folders = state.folders.filter { !$0.hasPrefix(key + "/") }
        }
    }
}

/// A person's answers to the questions of a script, by their words.
private final class PersonAnswers: Sendable {
    private let given = Mutex<[String: [String]]>([:])

    /// Returns the answer that was given when the question was asked for the given time.
    func answer(to question: String, at place: Int) -> String? {
        given.withLock { given in
            let answers = given[question] ?? []
            return answers.indices.contains(place) ? answers[place] : nil
        }
    }

    func note(_ answer: String, to question: String) { given.withLock { $0[question, default: []].append(answer) } }
}
