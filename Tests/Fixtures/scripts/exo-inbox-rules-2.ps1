#Requires -Modules ExchangeOnlineManagement
Connect-ExchangeOnline -ShowBanner:$false
foreach ($mbx in Get-Mailbox -ResultSize 100) {
    Get-InboxRule -Mailbox $mbx.PrimarySmtpAddress | Where-Object { $_.ForwardTo -or $_.RedirectTo } |
        Select-Object @{ n = 'Mailbox'; e = { $mbx.PrimarySmtpAddress } }, Name, ForwardTo, RedirectTo
}
Disconnect-ExchangeOnline -Confirm:$false
