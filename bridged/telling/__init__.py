"""The words in which a report is told, the same in the terminal and on the page.  Light."""
