$params = @{
    UserPrincipalName = 'admin@contoso-sandbox.example'
    ShowBanner        = $false
}
Connect-ExchangeOnline @params
foreach ($mbx in Get-Mailbox -ResultSize 100) {
    Get-InboxRule -Mailbox $mbx.PrimarySmtpAddress | Where-Object { $_.ForwardTo -or $_.RedirectTo } |
        Select-Object @{ n = 'Mailbox'; e = { $mbx.PrimarySmtpAddress } }, Name, ForwardTo, RedirectTo
}
