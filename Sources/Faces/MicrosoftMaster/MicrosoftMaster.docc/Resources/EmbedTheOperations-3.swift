import MMCore
import MMOperations

struct Asking: ConfirmingPerson {
    func showSignIn(_ details: JSONObject) async { print(details["message"]?.string ?? "") }

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        print(question.title, question.reason, separator: "\n")
        for page in question.pages { print(page) }
        print("Go on? [y/N] ", terminator: "")
        return readLine()?.lowercased() == "y"
    }
}
