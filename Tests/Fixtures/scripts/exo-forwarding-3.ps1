# Connect only when there is no session yet
$connection = Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' }
if (-not $connection) {
    Connect-ExchangeOnline
}
Get-Mailbox -ResultSize Unlimited |
    Where-Object { $_.ForwardingAddress -or $_.ForwardingSmtpAddress } |
    Select-Object DisplayName, PrimarySmtpAddress, ForwardingAddress, ForwardingSmtpAddress, DeliverToMailboxAndForward |
    Export-Csv -Path forwarding.csv -NoTypeInformation
Disconnect-ExchangeOnline -Confirm:$false
