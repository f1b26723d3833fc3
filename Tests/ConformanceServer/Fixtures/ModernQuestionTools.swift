import MMCore
import MMMCP

extension ConformanceServer {
    static func modernQuestionTools() throws(MMError) -> [Tool] {
        let name = try Form([.text("name", description: "Your name")])
        let confirm = try Form([.boolean("ok", title: "Confirm")])
        let color = try Form([.text("color", description: "Your favourite colour")])
        let capital = SamplingRequest("What is the capital of France?", maxTokens: 100)
        return [
            Tool(name: "test_missing_capability", description: "Needs the client's model.") { _, context in
                .text(try await context.sample("sampling", SamplingRequest("Hi", maxTokens: 10)).text)
            },
            Tool(name: "test_streaming_elicitation", description: "Asks while its answer is streamed.") { _, context in
                context.progress(0, of: 1, "about to ask")
                let answer = try await context.elicit("user_name", "What is your name?", form: name)
                return .text(greeting(answer))
            },
            Tool(name: "test_input_required_result_elicitation", description: "Asks for a name.") { _, context in
                .text(greeting(try await context.elicit("user_name", "What is your name?", form: name)))
            },
            Tool(name: "test_input_required_result_sampling", description: "Asks the client's model.") { _, context in
                .text("The model says: \(try await context.sample("capital_question", capital).text)")
            },
            Tool(name: "test_input_required_result_list_roots", description: "Asks for the client's folders.") {
                _, context in
                .text("Roots: \(try await context.roots("client_roots").map(\.uri).joined(separator: ", "))")
            },
            Tool(name: "test_input_required_result_request_state", description: "Needs its state back.") { _, context in
                context.carry("mark", "state-ok")
                let answer = try await context.elicit("confirm", "Go on?", form: confirm)
                return .text(
                    "\(context.carried("mark")?.string ?? "state-lost"): \(answer == .declined ? "declined" : "done")")
            },
            Tool(name: "test_input_required_result_multiple_inputs", description: "Asks three things at once.") {
                _, context in
                let answers = try await context.ask([
                    .form("user_name", "What is your name?", name),
                    .sampling("greeting", SamplingRequest("Write a greeting.", maxTokens: 50)), .roots("client_roots"),
                ])
                return .text("Answered: \(answers.keys.sorted().joined(separator: ", "))")
            },
            Tool(name: "test_input_required_result_multi_round", description: "Asks one thing after the other.") {
                _, context in
                let first = try await context.elicit("step1", "Step 1: What is your name?", form: name)
                let second = try await context.elicit("step2", "Step 2: What is your favourite colour?", form: color)
                return .text("done: \(field("name", first)) likes \(field("color", second))")
            },
            Tool(name: "test_input_required_result_tampered_state", description: "Notices a changed state.") {
                _, context in
                let answer = try await context.elicit("confirm", "Go on?", form: confirm)
                return .text("state intact: \(answer == .declined ? "declined" : "done")")
            },
            Tool(name: "test_input_required_result_capabilities", description: "Asks what the client can answer.") {
                _, context in
                var questions: [Question] = []
                if context.canAskForms { questions.append(.form("user_name", "What is your name?", name)) }
                if context.canSample { questions.append(.sampling("capital_question", capital)) }
                if context.canListRoots { questions.append(.roots("client_roots")) }
                guard !questions.isEmpty else { return .text("nothing to ask") }
                let answers = try await context.ask(questions)
                return .text("Answered: \(answers.keys.sorted().joined(separator: ", "))")
            },
        ]
    }

    private static func field(_ key: String, _ answer: ElicitationAnswer) -> String {
        guard case .accepted(let content) = answer else { return "nobody" }
        return content[key]?.string ?? "nobody"
    }

    static func greeting(_ answer: ElicitationAnswer) -> String { "Hello, \(field("name", answer))!" }
}
